// A provider of OpenID Connect, certified and real, whose page lets everybody in as whom `/as/NAME` said last.
//
//   node oidc.js PORT CALLBACK...
//
// `nobody` is turned away. Names and groups are in the token with CLAIMS_IN_TOKEN=1, and without it told at
// the userinfo endpoint alone.
const http = require('node:http')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const [port, ...callbacks] = process.argv.slice(2)
const GROUPS = { alice: ['sre', 'staff'], bob: ['dev'], eve: [] }
const issuer = `http://127.0.0.1:${port}`
let who = 'alice'

const client = (id) => ({
  client_id: id,
  client_secret: 'hunter2-oidc',
  redirect_uris: callbacks,
  grant_types: ['authorization_code'],
  response_types: ['code'],
})

async function interaction(provider, req, res) {
  const { prompt, params, session } = await provider.interactionDetails(req, res)
  if (who === 'nobody') {
    const result = { error: 'access_denied', error_description: 'turned away at the door' }
    return provider.interactionFinished(req, res, result)
  }
  if (prompt.name === 'login') {
    return provider.interactionFinished(req, res, { login: { accountId: who } })
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  const consent = { grantId: await grant.save() }
  return provider.interactionFinished(req, res, { consent }, { mergeWithLastSubmission: true })
}

async function main() {
  const module = path.join(process.env.NODE_PATH, 'oidc-provider/lib/index.js')
  const { default: Provider } = await import(pathToFileURL(module))
  const inToken = process.env.CLAIMS_IN_TOKEN === '1'
  const provider = new Provider(issuer, {
    clients: [client('limpid')],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email'] },
    conformIdTokenClaims: !inToken,
    cookies: { keys: ['of no worth'] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, groups: GROUPS[id] || [] }),
    }),
  })
  const answer = provider.callback()
  const server = http.createServer((req, res) => {
    if (req.url.startsWith('/as/')) {
      who = req.url.slice(4)
      return res.end(who)
    }
    if (!req.url.startsWith('/interaction/')) return answer(req, res)
    interaction(provider, req, res).catch((error) => {
      console.error(error)
      res.statusCode = 500
      res.end(String(error))
    })
  })
  server.listen(Number(port), '127.0.0.1', () => console.log('ready'))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
