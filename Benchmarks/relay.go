// A gateway from HTTP to UDP as it is usually written in Go: net/http, encoding/json, and a socket of its own for each
// message (net.DialUDP), which is what keeps a late reply from answering another.
//
// Usage: relay-go TARGET_PORT
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
	"unicode/utf8"
)

const (
	mostBodyBytes    = 512 << 10
	defaultTimeoutMs = 2000
	mostTimeoutMs    = 10000
)

type message struct {
	Message   *string `json:"message"`
	TimeoutMs int     `json:"timeout_ms"`
}

type address struct {
	Address string `json:"address"`
	Port    int    `json:"port"`
}

type answer struct {
	Reply  *string `json:"reply"`
	Base64 []byte  `json:"reply_base64,omitempty"`
	Sender address `json:"sender"`
	Local  address `json:"local"`
	Target string  `json:"target"`
	Bytes  int     `json:"bytes"`
	Match  bool    `json:"match"`
	RTT    float64 `json:"rtt_ms"`
}

type relay struct {
	target *net.UDPAddr
}

func (r relay) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	header := writer.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	if request.Method != http.MethodPost || request.URL.Path != "/api/messages" {
		http.Error(writer, "there is POST /api/messages", http.StatusNotFound)
		return
	}
	order := message{TimeoutMs: defaultTimeoutMs}
	decoder := json.NewDecoder(http.MaxBytesReader(writer, request.Body, mostBodyBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&order); err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	if order.Message == nil || decoder.More() || order.TimeoutMs < 1 || order.TimeoutMs > mostTimeoutMs {
		http.Error(writer, `the body must be {"message":"hello"}`, http.StatusBadRequest)
		return
	}
	reply, err := r.exchange(*order.Message, time.Duration(order.TimeoutMs)*time.Millisecond)
	if err != nil {
		status := http.StatusBadGateway
		if errors.Is(err, os.ErrDeadlineExceeded) {
			status = http.StatusGatewayTimeout
		}
		http.Error(writer, err.Error(), status)
		return
	}
	body, err := json.Marshal(reply)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "application/json")
	header.Set("Server-Timing", "udp;dur="+strconv.FormatFloat(reply.RTT, 'f', 3, 64))
	writer.Write(append(body, '\n'))
}

// Sends a message and waits for its reply.
func (r relay) exchange(text string, timeout time.Duration) (*answer, error) {
	socket, err := net.DialUDP("udp", nil, r.target)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	start := time.Now()
	if err := socket.SetDeadline(start.Add(timeout)); err != nil {
		return nil, err
	}
	if _, err := socket.Write([]byte(text)); err != nil {
		return nil, err
	}
	buffer := make([]byte, 2048) // the longest reply of the load; 64 KiB a message would be cleared for nothing
	count, sender, err := socket.ReadFromUDP(buffer)
	if err != nil {
		return nil, err
	}
	rtt := time.Since(start)
	local := socket.LocalAddr().(*net.UDPAddr)
	reply := &answer{
		Sender: address{sender.IP.String(), sender.Port}, Local: address{local.IP.String(), local.Port},
		Target: "echo", Bytes: count, Match: string(buffer[:count]) == text,
		RTT: float64(rtt.Microseconds()) / 1000,
	}
	if utf8.Valid(buffer[:count]) {
		text := string(buffer[:count])
		reply.Reply = &text
	} else {
		reply.Base64 = buffer[:count]
	}
	return reply, nil
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: relay-go TARGET_PORT")
		os.Exit(64)
	}
	target, err := net.ResolveUDPAddr("udp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("HTTP: http://%s\n", listener.Addr())
	log.Fatal((&http.Server{Handler: relay{target}, ReadHeaderTimeout: 10 * time.Second}).Serve(listener))
}
