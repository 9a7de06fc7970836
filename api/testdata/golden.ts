// Reads the golden files beside it for tests. Never writes them: see e2e/golden.
import { readdirSync, readFileSync } from 'node:fs'

const here = new URL('.', import.meta.url)

/** Every JSON file of a folder in api/testdata: `[name, content]`. */
export function goldenFiles(folder: string): readonly (readonly [name: string, content: unknown])[] {
  const directory = new URL(`${folder}/`, here)
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [file.slice(0, -'.json'.length), parsed(new URL(file, directory))] as const)
}

/** One JSON file of api/testdata. */
export function goldenFile(name: string): unknown {
  return parsed(new URL(name, here))
}

function parsed(url: URL): unknown {
  return JSON.parse(readFileSync(url, 'utf8'))
}
