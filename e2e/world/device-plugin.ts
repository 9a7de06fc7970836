// A device plugin of the kubelet's v1beta1 API: registers at a node's kubelet, offers devices, grants what is asked for. Decides no more than that.
import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { connect } from 'node:net'
import type { Node } from '#cluster/node/node'
import { holds, waitFor } from '#cluster/wait-for'
import { unaryCall } from '#node-agent/devices/grpc-unary'
import { fieldsOf } from '#node-agent/devices/protobuf'
import { frame, message, type Part } from '#node-agent/devices/testing/encode'

const FOLDER = '/var/lib/kubelet/device-plugins'
const KUBELET = `${FOLDER}/kubelet.sock`
const OK = { ':status': 200, 'content-type': 'application/grpc' } as const

export interface DevicePlugin {
  /** The kubelet keeps the resource, with no healthy device. */
  close(): Promise<void>
}

/** Serves the devices and registers; the node's capacity follows within a moment. */
export async function openDevicePlugin(
  node: Node,
  offer: { readonly name: string; readonly resource: string; readonly ids: readonly string[] },
): Promise<DevicePlugin> {
  const endpoint = `${offer.name}.sock`
  const path = `${FOLDER}/${endpoint}`
  await kubeletListens(node)
  await node.files.remove(path)
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => session.destroy())
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy())
    serve(stream, headers[':path'] ?? '', offer.ids)
  })
  server.listen(node.files.pathOf(path))
  await once(server, 'listening')
  await unaryCall({
    socketPath: node.files.pathOf(KUBELET),
    path: '/v1beta1.Registration/Register',
    message: message([1, 'v1beta1'], [2, endpoint], [3, offer.resource]),
    signal: AbortSignal.timeout(10_000),
  })
  return {
    close: async () => {
      for (const session of sessions) session.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A kubelet that starts first removes every socket of the folder, then makes its own. */
async function kubeletListens(node: Node): Promise<void> {
  const look = async () => {
    const socket = connect(node.files.pathOf(KUBELET))
    const problem = await once(socket, 'connect').then(
      () => '',
      (error: unknown) => String(error),
    )
    socket.destroy()
    return holds(problem === '', problem)
  }
  await waitFor(`the kubelet of ${node.name} takes device plugins`, look, { deadline: 60_000, every: 250 })
}

function serve(stream: ServerHttp2Stream, path: string, ids: readonly string[]): void {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => {
    if (path.endsWith('/ListAndWatch')) {
      // The stream stays open: its end would mean that the plugin is gone.
      stream.respond(OK)
      stream.write(frame(message(...ids.map((id): Part => [1, message([1, id], [2, 'Healthy'])]))))
      return
    }
    stream.respond(OK, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(frame(path.endsWith('/Allocate') ? allocated(Buffer.concat(chunks).subarray(5)) : message()))
  })
}

/** One answer per container that asks. */
function allocated(request: Uint8Array): Buffer {
  return message(...[...fieldsOf(request)].filter(({ number }) => number === 1).map((): Part => [1, message()]))
}
