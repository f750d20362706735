// KafkaJS, a client written without any of Kafka's or librdkafka's code.
//
//   node client.js produce ADDRESS TOPIC            one JSON array of {partition, key, value} on stdin
//   node client.js member ADDRESS TOPIC GROUP       reads from the beginning until it is ended
//
// A member prints `assigned 0,2` after each rebalance and `record PARTITION OFFSET VALUE` for each
// record; on SIGTERM it leaves the group.
const { Kafka, logLevel } = require('kafkajs')

const [action, address, topic, groupId] = process.argv.slice(2)
const kafka = new Kafka({
  clientId: 'kafkajs',
  brokers: [address],
  logLevel: logLevel.ERROR,
  retry: { initialRetryTime: 50, retries: 20 },
})

async function produce() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  const messages = JSON.parse(Buffer.concat(chunks).toString())
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const answers = await producer.send({ topic, acks: -1, messages })
  await producer.disconnect()
  for (const { partition, baseOffset } of answers) console.log(`written ${partition} ${baseOffset}`)
}

async function member() {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
    rebalanceTimeout: 10000,
    maxWaitTimeInMs: 100,
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const partitions = payload.memberAssignment[topic] || []
    console.log(`assigned ${partitions.join(',')}`)
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: async ({ partition, message }) => {
      console.log(`record ${partition} ${message.offset} ${message.value}`)
    },
  })
  const leave = async () => {
    await consumer.disconnect()
    process.exit(0)
  }
  process.on('SIGTERM', leave)
}

const work = { produce, member }[action]
work().catch((error) => {
  console.error(error)
  process.exit(1)
})
