public import Echo
public import Sockets
public import TLS

/// Why a gateway cannot start: one line for whoever starts it, that names what is wrong and says what to do.
public enum StartupError: Error, CustomStringConvertible {
  /// A place to listen that could not be had.
  case cannotListen(BindError)
  /// The file of the token holds none that can be used.
  case badToken(file: String, reason: String)
  /// A certificate, or its key, that cannot be used.
  case badCertificate(TLSCertificate.Fault)
  /// The libmicrohttpd that runs cannot encrypt.
  case cannotEncrypt
  /// HTTP would be open to anyone.
  case openToAll(SocketAddress)
  /// There is no target: no echo server is embedded, and none is named.
  case noTarget
  /// Two targets have one name.
  case doubledTarget(String)
  /// A target's name leads to no address.
  case unresolvedTarget(name: String, Resolver.Failure)
  /// A target's address is one that nothing can be sent to.
  case impossibleTarget(name: String, host: String, reason: String)
  /// What the embedded echo server is to do to datagrams cannot be done.
  case badImpairments(Impairments.Fault)
  /// The page cannot be read.
  case unreadablePage(String)
  /// The process may not open as many descriptors as the configured bounds take.
  case tooFewDescriptors(needed: Int, allowed: Int)
  /// A UDP socket was passed to a gateway without an echo server.
  case unusedSocket(SocketAddress)
  /// The system has no room for the loops.
  case noLoops(SocketError)

  public var description: String {
    switch self {
    case .cannotListen(let error):
      "\(error)\(error.remedy)"
        + (error.isBusyUDP ? ", or send to it with --no-echo --target lab=\(error.address)" : "")
    case .badToken(let file, let reason):
      "--token-file '\(file)': \(reason); for example: (umask 077; openssl rand -hex 32 > \(file))"
    case .badCertificate(let fault): "the certificate cannot be used: '\(fault.file)': \(fault.reason)"
    case .cannotEncrypt: "--tls-certificate needs a libmicrohttpd that was built with GnuTLS, as distributions' are"
    case .openToAll(let address):
      "HTTP on \(address) can be reached from beyond this machine, by anyone: --token-file FILE asks for a token, "
        + "--allow-anonymous lets everyone send messages"
    case .noTarget: "--no-echo leaves nowhere to send messages to: name a target, as in --target lab=127.0.0.1:9999"
    case .doubledTarget(let name): "two targets are called '\(name)': give each --target a name of its own"
    case .unresolvedTarget(let name, let failure): "the target '\(name)' leads nowhere: \(failure)"
    case .impossibleTarget(let name, let host, let reason):
      "the target '\(name)' can be none: \(reason)\(reason.contains(host) ? "" : " ('\(host)')"); --target names an "
        + "address that one host has"
    case .badImpairments(let fault): "the impairment '\(fault.setting.rawValue)' \(fault.rule)"
    case .unreadablePage(let reason): "\(reason); --public names the directory of the page"
    case .tooFewDescriptors(let needed, let allowed):
      "\(needed) descriptors are needed and \(allowed) allowed: raise the limit ('ulimit -n \(needed)', LimitNOFILE= "
        + "of systemd), or lower --max-in-flight, which takes three each, or --max-connections"
    case .unusedSocket(let address):
      "--no-echo leaves nobody to answer on UDP \(address), which the service manager has bound: take that socket away "
        + "('systemctl disable --now yodel-udp.socket'), or the option"
    case .noLoops(let error): "no event loop can be made: \(error)"
    }
  }
}

extension BindError {
  /// What to do about it, to be said behind the description; empty where nothing is known.
  public var remedy: String {
    switch cause.errno {
    case .addressInUse: "; stop what uses it, or take another port with \(transport == .udp ? "--udp" : "--http")"
    case .permissionDenied: "; ports below 1024 need a privilege (CAP_NET_BIND_SERVICE), others do not"
    case .addressNotAvailable: "; it is no address of this machine"
    default: ""
    }
  }

  /// Another program has the UDP port.
  fileprivate var isBusyUDP: Bool { transport == .udp && cause.errno == .addressInUse }
}
