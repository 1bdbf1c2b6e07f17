'use strict'
// What a plugin of Jalur in Node needs beside its provider's own logic: the process, the wire, and an HTTP call that says only what its socket proves.
//
//     serve(Provider)
//
// Provider is a class with the static property "schema" (of its settings), a constructor that takes the settings, and the methods describe, listProducts, inquire, pay
// and status; balances, readCallback and cancelQuote where it has them. They take and give messages of provider.proto as plain objects (names as in that file, enums by
// name, 64-bit numbers as text), may be async, and throw a Fault where there is no answer. Any other exception is Unknown.

const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const tls = require('node:tls')
const grpc = require('@grpc/grpc-js')
const protoLoader = require('@grpc/proto-loader')
const certificates = require('./certificate')

const COOKIE = ['JALUR_PLUGIN', '5d0f1c8e-provider']
const MAX_MESSAGE = 4 << 20
const MAX_BODY = 1 << 20
const CONNECT_TIMEOUT = 3000 // ms
const CALL_TIMEOUT = 60000 // ms
const NOT_SENT = 'OUTCOME_NOT_SENT'
const DECLINED = 'OUTCOME_DECLINED'
const UNKNOWN = 'OUTCOME_UNSPECIFIED'

/** Fault is a call that brought no answer, or none that can be believed. The text is for people: no secrets, no whole account numbers. */
class Fault extends Error {
  constructor(outcome, code, text, evidence = null) {
    super(text)
    Object.assign(this, { outcome, code, text, evidence })
  }
}

/** BadSetting is a setting that can't be used; the rule doesn't repeat its value. */
class BadSetting extends Error {
  constructor(key, rule) {
    super(rule)
    Object.assign(this, { key, rule })
  }
}

/** money gives an exact amount from a decimal text. A number has lost what it was before anybody can check it, so nothing but text is taken. */
function money(value, currency = 'IDR') {
  if (typeof value !== 'string' || !/^-?[0-9]{1,19}(\.[0-9]{1,9})?$/.test(value)) {
    throw new Fault(UNKNOWN, 'internal', 'an amount of the answer is no decimal text')
  }
  return { value, currency }
}

// --- one call, and the HTTP that it makes ---

/** bootTime reads the clock by which the host says when it is too late, in nanoseconds. Node can't read CLOCK_BOOTTIME itself. The kernel cuts what it tells to hundredths of
 * a second, so one is added: rather too late than too early. It is never behind the monotonic clock, as it would be where a container shows an uptime of its own. */
function bootTime() {
  const [, seconds, hundredths] = /^([0-9]+)\.([0-9]{2}) /.exec(fs.readFileSync('/proc/uptime', 'latin1'))
  const told = (BigInt(seconds) * 100n + BigInt(hundredths) + 1n) * 10_000_000n
  const monotonic = process.hrtime.bigint()
  return told > monotonic ? told : monotonic
}

/** Call is one call of the host: how long it may take, and its place in a trace. */
class Call {
  constructor(call) {
    const left = Math.min(Number(call.getDeadline()) - Date.now(), CALL_TIMEOUT)
    this.until = performance.now() + left - Math.min(left / 20, 250) // so that our own word on what happened still arrives
    this.call = call
    this.trace = {}
    for (const name of ['traceparent', 'tracestate']) {
      const [value] = call.metadata.get(name)
      if (value) this.trace[name] = String(value)
    }
  }

  /** left gives milliseconds; 0 where the call is over. */
  left() {
    return this.call.cancelled ? 0 : Math.max(0, this.until - performance.now())
  }

  /** http makes one request, on a connection of its own, once. It follows no redirect and uses no proxy. Whatever the status, a reply is a Reply.
   *
   * After sendBeforeNs, a reading of the boot-time clock as text, no byte leaves. Throws a Fault: NOT_SENT if no byte has left, else Unknown. */
  async http(method, url, { headers = {}, body = '', sendBeforeNs = '0' } = {}) {
    const target = new URL(url)
    const socket = await connect(target, Math.min(this.left(), CONNECT_TIMEOUT))
    const timer = setTimeout(() => socket.destroy(new Error('timed out')), this.left())
    const cancel = () => socket.destroy(new Error('cancelled'))
    this.call.on('cancelled', cancel)
    const limit = BigInt(sendBeforeNs)
    const gate = guard(socket, () => this.left() === 0 || (limit !== 0n && bootTime() > limit))
    try {
      return await exchange(socket, target, { method, body, headers: { ...this.trace, ...headers } })
    } catch (err) {
      if (gate.late) throw new Fault(NOT_SENT, 'transport_not_sent', 'the time to send has passed')
      if (!gate.passed) throw new Fault(NOT_SENT, 'transport_not_sent', 'the request did not leave: ' + describeError(err))
      throw new Fault(UNKNOWN, 'transport_after_send', 'no whole answer: ' + describeError(err))
    } finally {
      clearTimeout(timer)
      this.call.removeListener('cancelled', cancel)
      socket.destroy()
    }
  }
}

/** connect resolves once a request could be written: the name is resolved, the connection made and TLS agreed. */
function connect(target, ms) {
  const host = target.hostname.replace(/^\[|\]$/g, '')
  const secure = target.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const options = { host, port: Number(target.port) || (secure ? 443 : 80), noDelay: true }
    const socket = secure ? tls.connect({ ...options, ca: trusted(), servername: net.isIP(host) ? '' : host }) : net.connect(options)
    const timer = setTimeout(() => socket.destroy(new Error('timed out')), ms)
    socket.once(secure ? 'secureConnect' : 'connect', () => resolve(socket))
    socket.on('error', (err) => reject(new Fault(NOT_SENT, 'transport_not_sent', 'no connection: ' + describeError(err))))
    socket.once('connect', () => secure || clearTimeout(timer)).once('secureConnect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
  })
}

/** trusted gives what SSL_CERT_FILE names, as for every other plugin, or else Node's own authorities. */
function trusted() {
  return process.env.SSL_CERT_FILE ? fs.readFileSync(process.env.SSL_CERT_FILE) : undefined
}

/** guard decides, once, whether the first byte may leave. Its refusal is final: no byte ever passes after it. */
function guard(socket, isLate) {
  const gate = { passed: false, late: false }
  const write = socket.write
  socket.write = (...args) => {
    if (!gate.passed && (gate.late || isLate())) {
      gate.late = true
      socket.destroy(new Error('too late'))
      return false
    }
    gate.passed = true
    return write.apply(socket, args)
  }
  return gate
}

function exchange(socket, target, { method, body, headers }) {
  return new Promise((resolve, reject) => {
    const size = Buffer.byteLength(body)
    const request = http.request({
      createConnection: () => socket, method, path: target.pathname + target.search,
      headers: { Host: target.host, Connection: 'close', 'Content-Length': size, ...headers }
    })
    request.on('error', reject).on('close', () => reject(new Error('the connection ended')))
    request.on('response', (response) => {
      const chunks = []
      let left = MAX_BODY
      response.on('error', reject)
      response.on('data', (chunk) => {
        left -= chunk.length
        if (left < 0) socket.destroy(new Error('the reply is too large'))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        if (response.complete) resolve(new Reply(response.statusCode, Buffer.concat(chunks)))
        else reject(new Error('the reply was cut'))
      })
    })
    request.end(body)
  })
}

/** describeError says what went wrong without what an exception may quote: parts of the request, or of the answer. */
function describeError(err) {
  return err.code || (err.constructor === Error ? err.message : err.name)
}

/** Reply is what the provider answered, whatever its status. */
class Reply {
  constructor(status, body) {
    Object.assign(this, { status, body })
  }

  /** json gives the object in the body; anything else is Unknown. Text is made fit to travel: half of a surrogate pair is no text. */
  json() {
    let value = null
    try {
      value = JSON.parse(this.body.toString(), (_, v) => (typeof v === 'string' ? Buffer.from(v).toString() : v))
    } catch {}
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw new Fault(UNKNOWN, 'internal', `the answer can't be read (http status ${this.status})`)
    }
    return value
  }
}

// --- the wire ---

/** Gate counts the calls that run, so that none is cut when the plugin is ended. */
class Gate {
  inside = 0
  closed = false
  waiting = []

  async run(call) {
    if (this.closed) throw new Fault(NOT_SENT, 'transport_not_sent', 'the plugin is shutting down')
    this.inside++
    try {
      return await call()
    } finally {
      this.inside--
      if (this.inside === 0) this.waiting.splice(0).forEach((tell) => tell(true))
    }
  }

  close(ms) {
    this.closed = true
    if (this.inside === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      this.waiting.push(resolve)
      setTimeout(() => resolve(false), ms)
    })
  }
}

/** service answers the calls of provider.proto with a provider of the class. */
function service(Provider) {
  const gate = new Gate()
  let provider = null

  function configure(packed) {
    if (provider) throw new Fault(UNKNOWN, 'internal', 'the plugin has its settings already')
    const settings = JSON.parse(packed.toString())
    for (const key of Provider.schema.required || []) if (!Object.hasOwn(settings, key)) throw new BadSetting(key, 'is required')
    for (const key of Object.keys(settings)) {
      if (!Object.hasOwn(Provider.schema.properties, key)) throw new BadSetting(key, 'is not a setting of this provider')
    }
    provider = new Provider(settings)
  }

  /** answer makes a handler: run gives what stands in the answer's field. */
  const answer = (op, field, run) => async (call, reply) => {
    const response = { call: call.request.call }
    try {
      response[field] = await gate.run(() => {
        if (!provider) throw new Fault(NOT_SENT, 'transport_not_sent', 'the plugin has no settings yet')
        return run(new Call(call), call.request)
      })
    } catch (err) {
      response.fault = fault(op, err)
      if (err.evidence) response.evidence = err.evidence
    }
    reply(null, response)
  }

  const handlers = {
    Schema: ({ request }, reply) => reply(null, { call: request.call, schema: { json: Buffer.from(JSON.stringify(Provider.schema)) } }),
    Configure: ({ request }, reply) => {
      const response = { call: request.call }
      try {
        configure(request.settings)
        response.configured = {}
      } catch (err) {
        if (err instanceof BadSetting) response.refused = { key: err.key, rule: err.rule }
        else response.fault = fault('configure', err)
      }
      reply(null, response)
    },
    Describe: answer('describe', 'description', () => provider.describe()),
    ListProducts: answer('list_products', 'page', (call, request) => provider.listProducts(call, request)),
    Inquire: answer('inquire', 'quote', (call, request) => provider.inquire(call, request)),
    Pay: answer('pay', 'result', (call, request) => provider.pay(call, request.order)),
    Status: answer('status', 'result', (call, request) => provider.status(call, request)),
    Drain: async (call, reply) => {
      const ms = Math.min(Number(call.getDeadline()) - Date.now(), CALL_TIMEOUT)
      reply(null, { call: call.request.call, idle: await gate.close(ms) })
    }
  }
  const has = (method) => typeof Provider.prototype[method] === 'function' // what isn't there is answered as unimplemented
  if (has('balances')) handlers.Balances = answer('balances', 'sheet', (call) => provider.balances(call))
  if (has('readCallback')) handlers.ReadCallback = answer('read_callback', 'callback', (_, request) => provider.readCallback(request))
  if (has('cancelQuote')) {
    handlers.CancelQuote = answer('cancel_quote', 'cancelled', async (call, request) => {
      await provider.cancelQuote(call, request.token)
      return {}
    })
  }
  return handlers
}

function fault(op, err) {
  if (err instanceof Fault) return { outcome: err.outcome, code: err.code, text: err.text, op }
  const where = String(err && err.stack).split('\n').filter((line) => line.startsWith('    at ')) // and not what the error says: it could hold anything
  process.stderr.write(`${err && err.name} in the provider's code (${op})\n${where.join('\n')}\n`)
  return { outcome: UNKNOWN, code: 'internal', text: "the provider's code failed", op }
}

// --- the process ---

/** serve runs this process as a plugin until its host ends it. */
function serve(Provider) {
  if (process.env[COOKIE[0]] !== COOKIE[1]) {
    process.stderr.write('this program is a plugin of Jalur: name its path in a configuration (providers: ... plugin: ...), and the gateway starts it\n')
    process.exit(1)
  }
  if (!(process.env.PLUGIN_PROTOCOL_VERSIONS || '1').split(',').includes('1')) {
    process.stderr.write('the host speaks no version of the plugin protocol that this plugin knows\n')
    process.exit(1)
  }
  process.stdout.write = process.stderr.write.bind(process.stderr) // standard output belongs to the handshake
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {}) // the host decides
  const end = () => process.exit(0)
  process.stdin.on('end', end).on('error', end).on('close', end).resume() // the host holds the other end, and nobody writes to it

  const options = { keepCase: true, longs: String, enums: String, defaults: true }
  const file = path.join(__dirname, 'jalur/plugin/v1/provider.proto')
  const { jalur } = grpc.loadPackageDefinition(protoLoader.loadSync(file, options))
  const server = new grpc.Server({ 'grpc.max_receive_message_length': MAX_MESSAGE, 'grpc.max_send_message_length': MAX_MESSAGE })
  server.addService(jalur.plugin.v1.Provider.service, service(Provider))
  goPlugin(server)
  const folder = process.env.PLUGIN_UNIX_SOCKET_DIR || fs.mkdtempSync(path.join(os.tmpdir(), 'plugin'))
  const socket = path.join(folder, 'plugin')
  const { credentials, certificate } = identity()
  server.bindAsync('unix:' + socket, credentials, (err) => {
    if (err) throw err
    fs.writeSync(1, `1|1|unix|${socket}|grpc|${certificate}\n`)
  })
}

/** goPlugin adds the two services that the host's library asks for: is it well, and end it. Both have messages of a few bytes. */
function goPlugin(server) {
  const bytes = (value) => value
  const unary = (name) => ({
    path: name, requestStream: false, responseStream: false,
    requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes
  })
  const serving = Buffer.from([0x08, 0x01])
  server.addService({ Check: unary('/grpc.health.v1.Health/Check') }, { Check: (_, reply) => reply(null, serving) })
  server.addService({ Shutdown: unary('/plugin.GRPCController/Shutdown') }, { Shutdown: () => process.exit(0) })
}

/** identity gives what we listen with, and our certificate as the handshake tells it. Both sides show one that only the other knows. */
function identity() {
  const theirs = process.env.PLUGIN_CLIENT_CERT
  if (!theirs) return { credentials: grpc.ServerCredentials.createInsecure(), certificate: '' } // a debugger's host has none
  const ours = certificates.make()
  const pair = { private_key: Buffer.from(ours.key), cert_chain: Buffer.from(ours.certificate) }
  return {
    credentials: grpc.ServerCredentials.createSsl(Buffer.from(theirs), [pair], true),
    certificate: ours.der.toString('base64').replace(/=+$/, '')
  }
}

module.exports = { serve, Fault, BadSetting, money, NOT_SENT, DECLINED, UNKNOWN }
