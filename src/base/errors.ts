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

/** Runs `read`; a refusal comes back as a value, anything else is thrown. */
export async function attempt<T>(read: () => Promise<T>): Promise<T | HypberryError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof HypberryError) return error;
    throw error;
  }
}
