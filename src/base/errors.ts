/**
 * The one class of errors that hypberry throws on purpose.
 *
 * `code` is stable and meant for scripts, in lower case as `area.what` (`card.no-room`, `kernel.arm64`);
 * `message` is one sentence that says what is wrong; `hint` one sentence that says what to do about it.
 */
export class HypberryError extends Error {
  override readonly name = 'HypberryError';

  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
