// An operator's stream server for tests: real HTTP/2 over TLS on loopback, whose lines the test writes.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import * as x509 from '@peculiar/x509'
import type { Ack, StreamMessage } from '#api/stream'

export interface FakeOperator {
  readonly port: number
  /** The certificate, which is its own authority. */
  readonly ca: string
  readonly acks: readonly Ack[]
  /** Paths of streams opened so far, and their tokens. */
  readonly opened: readonly { readonly path: string; readonly authorization: string }[]
  /** What every stream starts with. */
  greet(messages: readonly StreamMessage[]): void
  send(...messages: readonly (StreamMessage | string)[]): void
  /** end: properly. destroy: the connection breaks. */
  drop(how: 'end' | 'destroy'): void
  /** Answers streams with this status from now on; 200 serves again. */
  refuse(status: number): void
  close(): Promise<void>
}

export const SERVERNAME = 'plexus-operator.plexus.svc'

export async function openFakeOperator(port = 0): Promise<FakeOperator> {
  const certificate = await selfSigned()
  const acks: Ack[] = []
  const opened: { path: string; authorization: string }[] = []
  const streams = new Set<ServerHttp2Stream>()
  const sessions = new Set<ServerHttp2Session>()
  let greeting: readonly StreamMessage[] = []
  let status = 200
  const server = createSecureServer(certificate)
  const line = (message: StreamMessage | string): string => (typeof message === 'string' ? message : `${JSON.stringify(message)}\n`)
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => undefined)
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    if (headers[':method'] === 'POST') {
      let body = ''
      stream.on('data', (chunk) => {
        body += String(chunk)
      })
      stream.on('end', () => {
        acks.push(JSON.parse(body))
        stream.respond({ ':status': 204 }, { endStream: true })
      })
      return
    }
    opened.push({ path: String(headers[':path']), authorization: String(headers.authorization) })
    stream.respond({ ':status': status })
    if (status !== 200) {
      stream.end('{"message":"no"}')
      return
    }
    streams.add(stream)
    stream.on('close', () => streams.delete(stream))
    for (const message of greeting) stream.write(line(message))
  })
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    ca: certificate.cert,
    acks,
    opened,
    greet: (messages) => {
      greeting = messages
    },
    send: (...messages) => {
      for (const stream of streams) for (const message of messages) stream.write(line(message))
    },
    drop: (how) => {
      if (how === 'end') for (const stream of streams) stream.end()
      else for (const session of sessions) session.destroy()
    },
    refuse: (next) => {
      status = next
    },
    close: () =>
      new Promise((resolve) => {
        for (const session of sessions) session.destroy()
        server.close(() => resolve())
      }),
  }
}

async function selfSigned(): Promise<{ readonly cert: string; readonly key: string }> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${SERVERNAME}`,
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: SERVERNAME }])],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') }
}
