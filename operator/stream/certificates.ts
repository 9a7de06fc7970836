// Decides how the stream's CA and serving certificates look: P-256, lifetimes, extensions. Never stores or publishes them.
import 'reflect-metadata'
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate authority as PEM texts. */
export interface Authority {
  readonly cert: string
  readonly key: string
}

/** What the stream server shows, as PEM texts. */
export interface ServingCertificate {
  readonly cert: string
  readonly key: string
}

/** When a certificate is to be replaced and when it ends. */
export interface Lifetime {
  readonly renewAt: Date
  readonly notAfter: Date
}

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const AUTHORITY_MS = 3 * 365 * DAY_MS
const SERVING_MS = 90 * DAY_MS
/** Nodes whose clocks are behind must not refuse a new certificate. */
const SKEW_MS = 3_600_000
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/** A new authority, valid for three years. */
export async function createAuthority(now: Date): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=plexus-stream-ca-${now.getTime().toString(36)}`,
    ...validity(now, AUTHORITY_MS),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: pem(certificate), key: await privatePem(keys.privateKey) }
}

/** A serving certificate for these names, valid for 90 days and never longer than its authority. */
export async function issueServing(authority: Authority, names: readonly string[], now: Date): Promise<ServingCertificate> {
  const issuer = new x509.X509Certificate(authority.cert)
  const signingKey = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(authority.key), KEY, false, ['sign'])
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const [name = ''] = names
  const ms = Math.min(SERVING_MS, issuer.notAfter.getTime() - now.getTime())
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${name.slice(0, 64)}`,
    issuer: issuer.subject,
    ...validity(now, ms),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([SERVER_AUTH]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: pem(certificate), key: await privatePem(keys.privateKey) }
}

/** Reads a certificate's lifetime; undefined when the text is no certificate. It is renewed after two thirds of its life. */
export function lifetimeOf(cert: string): Lifetime | undefined {
  try {
    const { validFrom, validTo } = new X509Certificate(cert)
    const from = Date.parse(validFrom)
    const to = Date.parse(validTo)
    return { renewAt: new Date(from + ((to - from) * 2) / 3), notAfter: new Date(to) }
  } catch {
    return undefined
  }
}

/** Whether certificate and key belong together and are an authority at all. */
export function isUsable({ cert, key }: Authority, now: Date): boolean {
  const lifetime = lifetimeOf(cert)
  if (lifetime === undefined || now >= lifetime.notAfter) return false
  try {
    return new X509Certificate(cert).ca && new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function validity(now: Date, ms: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(now.getTime() - SKEW_MS), notAfter: new Date(now.getTime() + ms) }
}

/** 16 random bytes, positive. */
function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return Buffer.from(bytes).toString('hex')
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY').trim()}\n`
}
