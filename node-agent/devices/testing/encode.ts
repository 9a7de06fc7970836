// Builds protobuf messages for tests: the kubelet's answers and a device plugin's. Knows the wire format, no limits.

/** A field: text, number, raw bytes or an embedded message. */
export type Part = readonly [number: number, value: string | number | boolean | Uint8Array]

/** The bytes of a message with these fields in this order. */
export function message(...parts: readonly Part[]): Buffer {
  return Buffer.concat(parts.map(field))
}

function field([number, value]: Part): Buffer {
  if (typeof value === 'number' || typeof value === 'boolean') return Buffer.concat([varint(number * 8), varint(Number(value))])
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.from(bytes)
}

/** A message as gRPC sends it. */
export function frame(bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

/** What a pod's containers hold: resource → ids, one entry per container. */
export interface PodHeld {
  readonly namespace: string
  readonly name: string
  readonly containers: readonly Readonly<Record<string, readonly string[]>>[]
}

/** `v1.ListPodResourcesResponse`, with the fields around ours that a kubelet sends, too. */
export function podResources(...pods: readonly PodHeld[]): Buffer {
  return message(
    ...pods.map(({ namespace, name, containers }): Part => {
      const held = containers.map((devices, index): Part => {
        const numa = message([1, message([1, 0])])
        const list = Object.entries(devices).map(
          ([resource, ids]): Part => [2, message([1, resource], ...ids.map((id): Part => [2, id]), [3, numa])],
        )
        return [3, message([1, `c${index}`], ...list, [3, Buffer.from([1, 2, 3])], [4, message([1, 'memory'], [2, 300])])]
      })
      return [1, message([1, name], [2, namespace], ...held)]
    }),
  )
}
