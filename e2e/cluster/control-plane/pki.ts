// Makes the certificates and keys of one cluster: a CA, the API server's, the client it shows to kubelets, the service-account key.
import 'reflect-metadata'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const day = 24 * 60 * 60 * 1000

type PrivateKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

interface Authority {
  readonly certificate: x509.X509Certificate
  readonly key: PrivateKey
}

/** Writes `ca`, `apiserver`, `kubelet-client` (.crt and .key) and `service-account` (.pub and .key) into `folder`; answers the CA as PEM. */
export async function writePki(folder: string, options: { readonly apiAddress: string; readonly now: Date }): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const period = { notBefore: new Date(options.now.getTime() - day), notAfter: new Date(options.now.getTime() + 365 * day) }
  const authority = await writeAuthority(folder, period)
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'localhost']
  const addresses = ['10.96.0.1', '127.0.0.1', options.apiAddress]
  await writeLeaf(folder, 'apiserver', {
    authority,
    period,
    subject: 'CN=kube-apiserver',
    usage: x509.ExtendedKeyUsage.serverAuth,
    names: [...names.map((value) => ({ type: 'dns', value }) as const), ...addresses.map((value) => ({ type: 'ip', value }) as const)],
  })
  await writeLeaf(folder, 'kubelet-client', {
    authority,
    period,
    subject: 'CN=kube-apiserver-kubelet-client, O=system:masters',
    usage: x509.ExtendedKeyUsage.clientAuth,
    names: [],
  })
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  await writeKey(join(folder, 'service-account.key'), privateKey)
  // The API server reads an ECDSA private key as a public one only in its old form, so the public one is written too.
  const der = await crypto.subtle.exportKey('spki', publicKey)
  await writeFile(join(folder, 'service-account.pub'), `${x509.PemConverter.encode(der, 'PUBLIC KEY')}\n`)
  return authority.certificate.toString('pem')
}

interface Period {
  readonly notBefore: Date
  readonly notAfter: Date
}

async function writeAuthority(folder: string, period: Period): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=plexus-test-cluster',
    ...period,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature, true),
    ],
  })
  await writeFile(join(folder, 'ca.crt'), `${certificate.toString('pem')}\n`)
  await writeKey(join(folder, 'ca.key'), keys.privateKey)
  return { certificate, key: keys.privateKey }
}

interface Leaf {
  readonly authority: Authority
  readonly period: Period
  readonly subject: string
  readonly usage: x509.ExtendedKeyUsage
  readonly names: x509.JsonGeneralName[]
}

async function writeLeaf(folder: string, file: string, leaf: Leaf): Promise<void> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: leaf.subject,
    issuer: leaf.authority.certificate.subject,
    ...leaf.period,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: leaf.authority.key,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([leaf.usage]),
      ...(leaf.names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(leaf.names)]),
    ],
  })
  await writeFile(join(folder, `${file}.crt`), `${certificate.toString('pem')}\n`)
  await writeKey(join(folder, `${file}.key`), keys.privateKey)
}

async function writeKey(file: string, key: PrivateKey): Promise<void> {
  const der = await crypto.subtle.exportKey('pkcs8', key)
  await writeFile(file, `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`, { mode: 0o600 })
}

/** Positive, as RFC 5280 4.1.2.2 wants. */
const serial = (): string => `4${crypto.randomUUID().replaceAll('-', '').slice(0, 15)}`
