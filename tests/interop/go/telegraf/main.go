// Telegraf with one input and one output: what the whole of it does with Jolokia, built in two minutes.
// It is told its configuration files and gathers once.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/influxdata/telegraf/agent"
	"github.com/influxdata/telegraf/config"
	_ "github.com/influxdata/telegraf/plugins/inputs/jolokia2_agent"
	_ "github.com/influxdata/telegraf/plugins/outputs/file"
	_ "github.com/influxdata/telegraf/plugins/serializers/json"
)

func main() {
	c := config.NewConfig()
	if err := c.LoadAll(os.Args[1:]...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := agent.NewAgent(c).Once(ctx, 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
