"""A member of a group with kafka-python: member.py ADDRESS TOPIC GROUP

Prints `assigned 0,2` after each rebalance and `record PARTITION OFFSET VALUE` for each record; on
SIGTERM it commits and leaves the group.
"""

import signal
import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer


class Assigned(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        numbers = sorted(tp.partition for tp in assigned)
        print("assigned", ",".join(map(str, numbers)), flush=True)


def main():
    address, topic, group = sys.argv[1:]
    consumer = KafkaConsumer(
        bootstrap_servers=address,
        group_id=group,
        auto_offset_reset="earliest",
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
        auto_commit_interval_ms=200,
        fetch_max_wait_ms=100,
    )
    consumer.subscribe([topic], listener=Assigned())
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    while not ended:
        for records in consumer.poll(timeout_ms=100).values():
            for record in records:
                print("record", record.partition, record.offset, record.value.decode(), flush=True)
    consumer.close()


main()
