module telegraf-jolokia

go 1.24.0

require github.com/influxdata/telegraf v1.33.3
