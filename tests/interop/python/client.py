"""Produces or reads with kafka-python; records go in and come out as lines of JSON.

    client.py produce ADDRESS TOPIC [name=value ...] < lines
    client.py read ADDRESS TOPIC PARTITIONS [name=value ...]

A line has partition (-1: the client's own partitioner chooses), key and value (hex or null) and
headers; lines that come out also have the offset.
"""

import json
import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition


def unhex(text):
    return None if text is None else bytes.fromhex(text)


def tohex(data):
    return None if data is None else bytes(data).hex()


def produce(address, topic, settings):
    producer = KafkaProducer(bootstrap_servers=address, **settings)
    waiting = []
    for line in sys.stdin:
        record = json.loads(line)
        partition = record["partition"]
        waiting.append(
            producer.send(
                topic,
                key=unhex(record["key"]),
                value=unhex(record["value"]),
                headers=[(name, unhex(value)) for name, value in record["headers"]],
                partition=None if partition < 0 else partition,
            )
        )
    producer.flush(30)
    for future in waiting:
        future.get(30)
    producer.close()


def read(address, topic, count, settings):
    consumer = KafkaConsumer(
        bootstrap_servers=address,
        group_id=None,
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        **settings,
    )
    partitions = [TopicPartition(topic, number) for number in range(count)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                line = {
                    "partition": record.partition,
                    "offset": record.offset,
                    "key": tohex(record.key),
                    "value": tohex(record.value),
                    "headers": [[name, tohex(value)] for name, value in record.headers],
                }
                print(json.dumps(line))
    consumer.close()


def setting(text):
    name, value = text.split("=", 1)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main():
    action, address, topic, *rest = sys.argv[1:]
    if action == "produce":
        produce(address, topic, dict(setting(text) for text in rest))
    elif action == "read":
        read(address, topic, int(rest[0]), dict(setting(text) for text in rest[1:]))
    else:
        sys.exit(f"unknown action {action}")


main()
