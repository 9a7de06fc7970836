// Puts a store and its reflector together. Decides nothing.
import type { Reflector, ReflectorOptions } from './reflector.ts'
import { openReflector } from './reflector.ts'
import type { KubeObject } from './resource.ts'
import type { Store, StoreOptions } from './store.ts'
import { openStore } from './store.ts'

/** A store that follows one resource from `start` to `stop`. */
export interface Informer<T extends KubeObject> {
  readonly store: Store<T>
  readonly reflector: Reflector
}

/** Opens an empty store and the reflector that will fill it. */
export function openInformer<T extends KubeObject>(options: Omit<ReflectorOptions<T>, 'sink'> & StoreOptions<T>): Informer<T> {
  const store = openStore<T>(options)
  return { store, reflector: openReflector<T>({ ...options, sink: store.sink }) }
}
