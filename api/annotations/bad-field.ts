// Carries a refusal out of nested field readers. Thrown and caught inside this folder only.
import type { Rejected } from '../json.ts'
import { rejected } from '../json.ts'

export class BadField extends Error {
  readonly answer: Rejected
  constructor(path: string, problem: string, remedy: string) {
    super(problem)
    this.answer = rejected(path, problem, remedy)
  }
}
