// A producer of franz-go that writes until it is told to stop: for tests of what clients push of
// their own metrics (KIP-714).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: pushing HOST:PORT TOPIC CLIENT-ID")
		os.Exit(2)
	}
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(os.Args[1]),
		kgo.DefaultProduceTopic(os.Args[2]),
		kgo.ClientID(os.Args[3]),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Says goodbye to the receiver of its metrics.
	defer client.Close()
	for {
		record := kgo.StringRecord("value")
		if err := client.ProduceSync(stop, record).FirstErr(); err != nil && stop.Err() == nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {
		case <-stop.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}
