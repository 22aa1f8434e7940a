import type { HypberryError } from '../base/errors.js';

/** Tells the first error alone: what comes behind it comes of it. */
export function onlyFirst(
  tell: ((error: HypberryError) => void) | undefined,
): (error: HypberryError) => void {
  let told = false;
  return (error) => {
    if (!told) tell?.(error);
    told = true;
  };
}
