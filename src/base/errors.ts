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

/** Codes of refusals that tell of this user and this system, and nothing of what was to be read. */
const OF_THE_USER = ['card.permission', 'system.limit'];

/** Whether an error is a refusal that tells something of what was to be read. */
export function isRefusal(error: unknown): error is HypberryError {
  return error instanceof HypberryError && !OF_THE_USER.includes(error.code);
}

/** Runs `read`; a refusal of what is read comes back as a value, anything else is thrown. */
export async function attempt<T>(read: () => Promise<T>): Promise<T | HypberryError> {
  try {
    return await read();
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}
