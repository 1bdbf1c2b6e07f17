'use strict'
// A certificate for one run of this process. Node makes keys and signatures, but no certificates: this is the little DER that one needs.

const crypto = require('node:crypto')

function tlv(tag, ...parts) {
  const body = Buffer.concat(parts)
  const low = body.length & 255
  const length = body.length < 0x80 ? [low] : body.length < 0x100 ? [0x81, low] : [0x82, body.length >> 8, low]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

const sequence = (...parts) => tlv(0x30, ...parts)
const oid = (...bytes) => tlv(0x06, Buffer.from(bytes))
const octets = (...parts) => tlv(0x04, ...parts)
const yes = Buffer.from([0x01, 0x01, 0xff])
const time = (text) => tlv(0x18, Buffer.from(text))

/** make gives { key, certificate } in PEM, and the certificate in DER: signed by itself, for "localhost", with a key on P-256. */
function make() {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
  const name = sequence(tlv(0x31, sequence(oid(0x55, 0x04, 0x03), tlv(0x0c, Buffer.from('localhost')))))
  const extensions = sequence(
    sequence(oid(0x55, 0x1d, 0x11), octets(sequence(tlv(0x82, Buffer.from('localhost'))))), // whom it is for
    sequence(oid(0x55, 0x1d, 0x13), yes, octets(sequence(yes))) // it is its own authority
  )
  const serial = Buffer.concat([Buffer.from([0x01]), crypto.randomBytes(15)])
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), // version 3
    tlv(0x02, serial),
    ecdsaWithSHA256,
    name,
    sequence(time('20200101000000Z'), time('21000101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, extensions)
  )
  const der = sequence(body, ecdsaWithSHA256, tlv(0x03, Buffer.from([0]), crypto.sign('sha256', body, privateKey)))
  const lines = der.toString('base64').match(/.{1,64}/g)
  return {
    der,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    certificate: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
  }
}

module.exports = { make }
