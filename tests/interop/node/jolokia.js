// Jolokia's own JavaScript client, asking as jmx4perl does: single questions by GET, many by POST.
//
//   node jolokia.js URL [TOKEN]
//
// Prints one JSON object: what each question was answered, without times and numbers, so that the answers of
// two servers can be compared.
const Jolokia = require('jolokia.js')

const [url, token] = process.argv.slice(2)
const headers = token ? { Authorization: `Bearer ${token}` } : {}
const client = new (Jolokia.default || Jolokia)({ url, headers })

const LEADERS = 'kafka.server:type=ReplicaManager,name=LeaderCount'
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
const LOGGERS = 'kafka:type=kafka.Log4jController'

// Status and kind of error, or the value.
const told = (answer) =>
  answer.status === 200 ? answer.value : { status: answer.status, error: answer.error_type }

const ask = async (request, options = {}) => {
  const answer = await client.request(request, { method: 'get', canonicalNaming: true, ...options })
  return Array.isArray(answer) ? answer.map(told) : told(answer)
}

const exec = (operation, ...args) =>
  ask({ type: 'exec', mbean: LOGGERS, operation, arguments: args })

// Which operations there are, by what they take and give.
const signatures = (ops) =>
  Object.fromEntries(
    Object.entries(ops).map(([name, op]) => [name, [op.args.map((arg) => arg.type), op.ret]]),
  )

async function main() {
  const said = {}
  const version = await ask({ type: 'version' })
  said.version = [Object.keys(version).sort(), version.protocol.split('.')[0]]
  const used = { type: 'read', mbean: 'java.lang:type=Memory', attribute: 'HeapMemoryUsage', path: 'used' }
  said.readPath = typeof (await ask(used))
  said.readOne = await ask({ type: 'read', mbean: LEADERS, attribute: 'Value' })
  said.readPattern = await ask({
    type: 'read',
    mbean: 'kafka.server:type=ReplicaManager,name=Leader*',
  })
  said.search = (await ask({ type: 'search', mbean: 'kafka.controller:type=KafkaController,name=Active*' })).sort()
  said.searchNothing = await ask({ type: 'search', mbean: 'no.such:*' })
  const domains = await ask({ type: 'list' }, { maxDepth: 1 })
  said.listDepth = [Number(domains['kafka.server']), 'kafka.log' in domains]
  const list = await ask({ type: 'list', path: 'kafka/type=kafka.Log4jController' })
  said.listOperations = signatures(list.op)
  said.listAttributes = Object.entries(list.attr).map(([name, attr]) => [name, attr.rw, attr.type])
  said.bulk = await ask(
    [
      { type: 'read', mbean: LEADERS, attribute: 'Value' },
      { type: 'read', mbean: 'kafka.server:type=NoSuch' },
      { type: 'read', mbean: LEADERS, attribute: 'NoSuch' },
      { type: 'read', mbean: LEADERS, attribute: ['Value'] },
      { type: 'exec', mbean: LOGGERS, operation: 'getLogLevel', arguments: ['no.such.logger'] },
    ],
    { method: 'post' },
  )
  const level = await exec('getLogLevel', 'root')
  said.level = LEVELS.includes(level)
  said.noLogger = await exec('getLogLevel', 'no.such.logger')
  said.set = await exec('setLogLevel', 'root', 'WARN')
  said.levelAfter = await exec('getLogLevel', 'root')
  said.setBack = await exec('setLogLevel', 'root', level)
  said.setNoLogger = await exec('setLogLevel', 'no.such.logger', 'WARN')
  said.noOperation = await exec('noSuch')
  said.execNoBean = await ask({ type: 'exec', mbean: 'kafka:type=NoSuch', operation: 'x' })
  const memory = { type: 'write', mbean: 'kafka:type=NoSuch', attribute: 'x', value: 'y' }
  said.writeNoBean = await ask(memory)
  console.log(JSON.stringify(said))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
