'use strict'
// The provider's own logic: what lapak promises, and how its answers become outcomes.

const { Fault, BadSetting, money, DECLINED, NOT_SENT, UNKNOWN } = require('./jalur-plugin')

const OUTCOMES = new Map([['done', 'OUTCOME_SUCCEEDED'], ['pending', 'OUTCOME_PENDING'], ['refused', 'OUTCOME_DECLINED']])

/** Provider is the client of lapak. A repeated reference is answered with the first order, and an order can be asked for by it. */
class Provider {
  static schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    required: ['base_url', 'key'],
    properties: {
      base_url: { type: 'string', minLength: 1, description: 'Address of the provider, without a slash at its end.' },
      key: { type: 'string', minLength: 1, writeOnly: true, description: 'The API key.' }
    }
  }

  #base
  #key

  constructor({ base_url: base, key }) {
    if (typeof base !== 'string' || !/^https?:\/\//.test(base) || !URL.canParse(base)) throw new BadSetting('base_url', 'must be an http URL')
    if (typeof key !== 'string' || !/^[!-~]+$/.test(key)) throw new BadSetting('key', 'must be text')
    this.#base = base
    this.#key = key
  }

  describe() {
    return {
      name: 'lapak', version: '0.1.0', instance: this.#base, ref: { mode: 'REF_MODE_REPLAY' }, status_by_ref: true,
      merchants: [{ merchant: 'GOPAY', account_kind: 'phone number', account_pattern: '08[0-9]{8,11}' }],
      amounts: { min: money('1000'), max: money('999999999'), step: money('1') }
    }
  }

  async listProducts(call, request) {
    const reply = await this.#ask(call, 'GET', '/products')
    const { products } = reply.json()
    if (reply.status !== 200 || !Array.isArray(products)) throw unreadable(reply)
    return { products: products.filter((p) => request.product === '' || p.code === request.product).map(product) }
  }

  async inquire(call, request) {
    const { product, account, amount } = request
    const reply = await this.#ask(call, 'POST', '/inquiries', { body: { product, account, amount: amount ? amount.value : '' } })
    const said = reply.json()
    if ([200, 401].includes(reply.status) && said.status === 'refused') throw new Fault(DECLINED, code(said), 'refused by the provider')
    if (reply.status !== 200 || said.status !== 'priced') throw unreadable(reply)
    return {
      product: text(said.product), account: text(said.account), receiver_name: text(said.name), amount: money(said.amount), cost: money(said.cost)
    }
  }

  async pay(call, { ref, product, account, amount, send_before_ns: sendBeforeNs }) {
    if (!amount || amount.currency !== 'IDR') throw new Fault(NOT_SENT, 'amount_invalid', 'amounts are in rupiah') // the order itself tells no currency
    const body = { ref, product, account, amount: amount ? amount.value : '' }
    return order(await this.#ask(call, 'POST', '/orders', { body, sendBeforeNs }))
  }

  async status(call, { original }) {
    return order(await this.#ask(call, 'GET', '/orders?ref=' + encodeURIComponent(original.ref)))
  }

  #ask(call, method, path, { body, sendBeforeNs } = {}) {
    const headers = { Authorization: 'Bearer ' + this.#key, 'Content-Type': 'application/json' }
    return call.http(method, this.#base + path, { headers, body: body ? JSON.stringify(body) : '', sendBeforeNs })
  }
}

/** order gives an answer the outcome that it proves: a word that isn't known, or a status that isn't documented, proves nothing. */
function order(reply) {
  const said = reply.json()
  if (reply.status === 404 && said.status === 'absent') throw new Fault(UNKNOWN, 'not_found', 'the provider knows no such order')
  if (!OUTCOMES.has(said.status) || reply.status !== (said.code === 'auth' ? 401 : 200)) {
    throw new Fault(UNKNOWN, 'internal', `the answer proves nothing (http status ${reply.status})`, evidence(said))
  }
  const result = { ...evidence(said), outcome: OUTCOMES.get(said.status) }
  if (said.status === 'refused') result.code = code(said)
  if (said.amount !== undefined) result.amount = money(said.amount)
  if (said.cost !== undefined) result.cost = money(said.cost)
  return result
}

const text = (value) => (typeof value === 'string' ? value : '')
const unreadable = (reply) => new Fault(UNKNOWN, 'internal', `the answer can't be read (http status ${reply.status})`)

/** evidence is what an answer says about its order, in its own words. */
function evidence(said) {
  return {
    provider_code: text(said.code), ref: text(said.ref), invoice: text(said.invoice), reference: text(said.reference),
    product: text(said.product), account: text(said.account)
  }
}

/** code gives the provider's codes as Jalur classes them; one that isn't known is a plain refusal. */
function code(said) {
  const known = ['auth', 'deposit_empty', 'account_invalid', 'amount_invalid', 'product_unknown', 'bad_request']
  return known.includes(said.code) ? said.code : 'declined'
}

function product(listed) {
  return {
    code: text(listed.code), name: text(listed.name), available: listed.available === true,
    fee: { expr: 'amount+' + text(listed.fee), known: true, flat: money(listed.fee) }
  }
}

module.exports = { Provider }
