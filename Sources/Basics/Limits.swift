/// Every bound of the program, in one place, with where it comes from.
public enum Limits {
  // MARK: Datagrams

  /// The largest payload over IPv4, in bytes: 65,535 less 20 of IP header and 8 of UDP header (RFC 768, RFC 791).
  public static let largestPayloadIPv4 = 65_507
  /// The largest payload over IPv6, in bytes: 65,535 less 8 of UDP header; the IPv6 header is not counted
  /// (RFC 8200 section 3).
  public static let largestPayloadIPv6 = 65_527
  /// A receive buffer that no datagram can overflow: a UDP length field holds no more (RFC 768).
  public static let receiveBuffer = 65_535
  /// Datagrams a `recvmmsg` of the echo server takes at most: past 64 a larger batch measured no faster.
  public static let echoBatch = 64
  /// Datagrams that are sent as one at most: what Linux takes from 4.18 on (`UDP_MAX_SEGMENTS`; later 128).
  public static let segmentsPerSend = 64
  /// How long datagrams go one by one where the kernel would not send them as one, until that is tried again: a path or
  /// its MTU changes.
  public static let segmentRetry = Nanoseconds.seconds(10)
  /// Receivers of whom it is remembered that their paths do not take datagrams as one.
  public static let limitedPaths = 8
  /// Batches the echo server takes in one turn of its loop before others have theirs.
  public static let echoBatchesPerTurn = 4
  /// Datagrams after which it takes no further batch in that turn: four full ones that hold no burst.
  public static let echoDatagramsPerTurn = 256
  /// What the kernel may queue for the echo server, in bytes (SO_RCVBUF; the kernel grants up to
  /// net.core.rmem_max).
  public static let echoSocketBuffer = 4 << 20
  /// Datagrams that a batch should hold, by the bursts of the one before: 64 bursts of 64 are 4,096, which would hold
  /// the loop for milliseconds. As many are noted before more of a batch are dealt with.
  public static let datagramsAtOnce = 1024
  /// The same while impairments are on, where each datagram costs several times as much.
  public static let impairedDatagramsAtOnce = 256
  /// The hop limit that echoed datagrams leave with: more than any path of the Internet has hops (some 30), and no
  /// system's default (32, 64, 128, 255), so that an answer which comes in as a message can be told.
  public static let echoHopLimit = 47
  /// What is left of it at another echo server, with up to 14 routers between.
  public static let echoHopLimits = 33...47
  /// Datagrams a second that the echo server answers for a network of public addresses.
  public static let defaultEchoRate = 200
  /// What a delay and its jitter may be set to at most, in milliseconds.
  public static let longestDelayMilliseconds = 60_000
  /// What the rate of all replies may be set to, in kilobits a second: up to ten gigabits.
  public static let impairedRates = 1.0...10_000_000.0
  /// How long impairments may be asked for before they end by themselves, in milliseconds: a week.
  public static let longestImpairment = 7 * 86_400_000
  /// Replies that impairments hold back at most.
  public static let heldDatagrams = 1 << 16
  /// The payload bytes of all replies that are held back.
  public static let heldBytes = 64 << 20
  /// What is kept beside the payloads of ``heldDatagrams``, in bytes, at most: for each an entry of some 130 bytes, in
  /// an array that may be twice as long as what is in it, and some 50 bytes around its payload. With ``heldBytes`` and
  /// ``bytesInTransit`` that is all the memory that impairments take.
  public static let bytesOfHeld = 20 << 20
  /// What may be on its way to the loop that impairs, in bytes, with ``weightOfDatagram`` for each datagram.
  public static let bytesInTransit = 8 << 20
  /// What a datagram in transit takes beside its payload, in bytes, rounded up.
  public static let weightOfDatagram = 256
  /// How long a reply waits for its turn on a link of a bounded rate; past it the link's queue is full. Without it a
  /// link of a kilobit a second could hold its replies for days, and go on after all impairments have ended.
  public static let longestLinkWait = Nanoseconds.seconds(60)
  /// Replies whose time has come that leave in one turn before others have theirs.
  public static let releasesPerTurn = 256
  /// Bytes of printed lines that wait for a slow standard output before lines are dropped and counted.
  public static let unprintedLines = 1 << 20

  // MARK: The datagrams that were seen

  /// How many of the newest datagrams are kept for those who ask; a power of two.
  public static let recordedDatagrams = 1024
  /// How many bytes of each, from its first on.
  public static let recordedBytes = 1024
  /// How many of them one answer may list.
  public static let listedDatagrams = 1...1000
  /// How many of them an answer lists that was not told how many.
  public static let defaultListedDatagrams = 100
  /// Datagrams that are copied out of the log under its lock at most: some 3 µs that an echoing loop may have to wait.
  public static let datagramsPerRead = 32

  // MARK: Feeds

  /// Feeds over all loops.
  public static let defaultMaxFeeds = 64
  /// Feeds of one client: an IPv4 address or an IPv6 /64, on loopback too.
  public static let feedsPerClient = 8
  /// How long a feed is silent before it says that it is still there: proxies end what is silent for a minute.
  public static let feedKeepAlive = Nanoseconds.seconds(15)
  /// How often a loop looks for what its feeds can be told.
  public static let feedInterval = Nanoseconds.milliseconds(20)
  /// Feeds of a loop that are told something in one interval, the longest waiting first: at some 15 µs each a twentieth
  /// of its time, however many there are.
  public static let feedsPerInterval = 64
  /// Bytes that a loop's feeds together are told in one interval, however fast datagrams come: likewise a twentieth of
  /// its time. What is overwritten meanwhile is a gap.
  public static let feedBytesPerInterval = 1 << 20
  /// Bytes of events that go to a feed in one piece, but for the last event in it.
  public static let feedPiece = 16 << 10
  /// Pieces that a loop keeps for other feeds that are at the same place.
  public static let keptFeedPieces = 16

  // MARK: Exchanges

  /// How long a message waits for its reply unless it or the command line says otherwise, in milliseconds.
  public static let defaultTimeoutMilliseconds = 2000
  /// What a request may ask for, in milliseconds.
  public static let timeoutMilliseconds = 1...10_000
  /// Exchanges in flight over all loops; as many sockets may rest and as many be retired.
  public static let defaultMaxInFlight = 4096
  /// How long a socket rests after a clean reply before it carries the next message: duplicates were seen up to
  /// 300 ms late, and a resting socket that hears one is retired.
  public static let rest = Nanoseconds.milliseconds(500)
  /// How long a socket that may still hear something late is held, so that its port is nobody else's.
  public static let retirement = Nanoseconds.seconds(10)
  /// At the cap of resting sockets one may be reused early, but only for a target that sent nothing surplus for
  /// this long.
  public static let quietBeforeEarlyReuse = Nanoseconds.seconds(60)
  /// Resting sockets that are not used for this long are closed, so that a burst does not hold its descriptors.
  public static let idleSocket = Nanoseconds.seconds(30)

  /// A datagram that is stamped this far in the future was stamped before the clock was set back. Below it, processors
  /// may disagree.
  public static let unbelievableAge = Nanoseconds.milliseconds(-1)
  /// Datagrams that nobody waits for, read from one socket in one turn.
  public static let surplusReadsPerTurn = 64

  // MARK: Probes of Prometheus

  /// What a probe leaves of the time that Prometheus waits for it, so that its answer is there before that ends: as
  /// blackbox_exporter does.
  public static let scrapeTimeoutOffset = Nanoseconds.milliseconds(500)
  /// How long a probe waits for its reply, whatever Prometheus's timeout is.
  public static let probeTimeout = Nanoseconds.milliseconds(100)...Nanoseconds.milliseconds(10_000)

  // MARK: Series

  /// Datagrams of a series that HTTP asks for.
  public static let probeCount = 1...10_000
  /// Datagrams of a series that says nothing of their number.
  public static let defaultProbeCount = 10
  /// From one datagram of a series to the next, in milliseconds; 0 stands for "when the last is decided".
  public static let probeIntervalMilliseconds = 1...60_000
  /// The interval of a series that says nothing of it, in milliseconds.
  public static let defaultProbeIntervalMilliseconds = 1000
  /// The least interval of a series that is asked for from beyond this machine, in milliseconds.
  public static let remoteProbeIntervalMilliseconds = 10
  /// A probe's payload, in bytes: from its number, three times, to the largest that IPv4 carries.
  public static let probeSize = 24...largestPayloadIPv4
  /// The payload of a series that says nothing of it, in bytes.
  public static let defaultProbeSize = 64
  /// How long a series that HTTP asks for goes on sending.
  public static let longestSeries = Nanoseconds.seconds(3600)
  /// Series at once over all loops.
  public static let defaultMaxSeries = 16
  /// Round-trip times that a series keeps exactly, 80 KB; past it their distribution is kept, in 60 KB.
  public static let exactRoundTrips = 10_000
  /// Datagrams of a series that are remembered, decided or not, so that a copy is known for one; 24 bytes each. More
  /// are only while they are undecided.
  public static let rememberedProbes = 10_000
  /// Datagrams of a series that may be undecided at once: `yodel ping` refuses a timeout that takes more intervals.
  public static let undecidedProbes = 100_000
  /// Duplicates that a series over HTTP lists; the others are counted alone. A target may send any number, and a slow
  /// reader's lines are kept.
  public static let listedDuplicates = 10_000
  /// Lines of a series that are written at a time: some 6 KB, so that a slow reader has few of them as text.
  public static let linesPerWrite = 64
  /// Datagrams that a series sends, and receives, in one turn before others have theirs.
  public static let probesPerTurn = 64
  /// How soon a datagram for which the kernel had no room is tried again.
  public static let probeRetry = Nanoseconds.milliseconds(1)
  /// What the kernel may queue for a series, in bytes (SO_RCVBUF; the kernel grants up to net.core.rmem_max).
  public static let seriesSocketBuffer = 4 << 20

  // MARK: HTTP

  /// A request body, in bytes: 65,527 bytes as `\u00xx` escapes in JSON are 393,162, and there is room for the rest.
  public static let requestBody = 512 << 10
  /// A chunked body over ``requestBody`` is read and thrown away up to here, so that its client hears the 413.
  public static let discardedBody = 1 << 20
  /// All request bodies being gathered, in bytes, over all loops.
  public static let bufferedBodies = 64 << 20
  /// libmicrohttpd's memory for one connection, in bytes: head, and headers of the answer. It is cleared for every
  /// request, which at 32 KiB was 7 % of a message's time.
  public static let connectionPool = 8 << 10
  /// What a parsed header costs in that pool beside its text, in bytes (its bookkeeping, rounded up).
  public static let headerOverhead = 64
  /// What the pool must keep free for libmicrohttpd's own use, in bytes.
  public static let connectionPoolReserve = 1 << 10
  /// Connections that are served; past it a request gets its 503.
  public static let defaultMaxConnections = 4096
  /// Connections past ``defaultMaxConnections`` that are still answered 503; past these they are closed and counted.
  public static let connectionsOverLimit = 256
  /// One client beyond loopback may have the whole divided by this.
  public static let connectionShare = 4
  /// Connections past a client's share that are still answered 503; past these they are closed and counted.
  public static let connectionsOverShare = 16
  /// From a connection's start to its first complete head.
  public static let headDeadline = Nanoseconds.seconds(10)
  /// From a complete head to the complete body.
  public static let bodyDeadline = Nanoseconds.seconds(15)
  /// From an answer that is there to its last byte being sent; streamed answers take as long as they take.
  public static let answerDeadline = Nanoseconds.seconds(60)
  /// From an answer to the next complete head on a kept-alive connection.
  public static let keepAliveDeadline = Nanoseconds.seconds(60)
  /// How often deadlines of connections are looked at: they are late by this at most.
  public static let deadlineSweep = Nanoseconds.milliseconds(250)
  /// libmicrohttpd's own timeout (of inactivity), in seconds: behind all of the above, but never 0, which leaks a
  /// connection on a partial request followed by FIN.
  public static let inactivityTimeoutSeconds = 75
  /// The kernel's send buffer of an accepted connection, in bytes: a slow reader holds no megabytes.
  public static let sendBuffer = 128 << 10
  /// Bytes of a streamed answer that wait for a slow reader before its writer has to wait.
  public static let streamBuffer = 64 << 10
  /// The same of an answer without an end, of which there may be many that nobody reads for long.
  public static let endlessStreamBuffer = 16 << 10
  /// Connections that the kernel queues for us (listen(2); the kernel caps it at net.core.somaxconn).
  public static let listenBacklog = 4096
  /// Connections accepted in one turn before others have theirs.
  public static let acceptsPerTurn = 64
  /// How often a daemon of libmicrohttpd is run at the end of one turn, at most.
  public static let runsPerTurn = 8
  /// Connections that a daemon of libmicrohttpd gets before the next one is started: with each answer it walks all that
  /// are suspended, and it takes in at once all requests that are there.
  public static let connectionsPerDaemon = 48
  /// Daemons of a loop; past these, each gets more connections.
  public static let daemonsPerLoop = 64
  /// Requests of one turn after which daemons with further ones wait for the next: what a request touched, from its
  /// head to its answer, is to be in the processor's cache still when its reply comes.
  public static let requestsPerTurn = 32
  /// From a client's end of sending to the end of a request that is not whole.
  public static let endedDeadline = Nanoseconds.seconds(1)
  /// While draining: how long a client may take to send the rest of its body, and to read its answer.
  public static let drainSending = Nanoseconds.seconds(5)
  /// While draining: how long a connection that never sent a request may still start its first.
  public static let drainGrace = Nanoseconds.seconds(1)

  // MARK: Descriptors

  /// Descriptors of a loop's own: its epoll and its mailbox. A daemon of libmicrohttpd has one more.
  public static let descriptorsPerLoop = 2
  /// Descriptors of the process's own, whatever it is configured to do: standard streams, the main thread's loop and
  /// signals, the timers of Swift's runtime, a name being resolved, with some to spare.
  public static let descriptorsOfProcess = 32

  // MARK: Access

  /// How long a token is, in characters: 16 of them drawn at random are some 80 bits and more, which nobody guesses
  /// through a gateway; the upper end leaves the head room for its other fields.
  public static let tokenLength = 16...1024

  // MARK: What may be asked for

  /// What a number of connections or of exchanges may be set to.
  public static let capacities = 1...1_000_000

  // MARK: Rates

  /// Messages a second that a client beyond loopback may send.
  public static let defaultMessageRate = 100
  /// What a rate may be set to, a second.
  public static let rates = 1...1_000_000
  /// Sets of four buckets of a rate limiter, 256 KiB in all. A bucket that one datagram drew on is full again after
  /// 1/rate seconds, so at 200 a second and the 300,000 datagrams a second that a loop can read, from as many forged
  /// networks, some 1,500 of the 16,384 are in use.
  public static let rateLimiterSets = 1 << 12

  // MARK: JSON

  /// How deep JSON may nest; the API's own bodies need two.
  public static let jsonDepth = 16

  // MARK: Loops and logs

  /// How many event loops may be asked for; more than any machine has cores for.
  public static let loops = 1...1024
  /// Events taken from one `epoll_wait`.
  public static let eventsPerWait = 256
  /// A loop turns at least this often, so that one that does not is noticed.
  public static let longestWait = Nanoseconds.seconds(1)
  /// A loop that has not turned for this long makes `/healthz` fail.
  public static let unhealthyAfter = Nanoseconds.seconds(5)
  /// Log lines of one class a second; the others are counted and told.
  public static let logLinesPerSecond = 1
}
