import type { CardReader } from './card.js';
import { pathKey } from './path.js';

/**
 * A card whose files are read once: whoever asks for a whole file again gets the same bytes, which must not be changed.
 * For several looks at a card that does not change meanwhile.
 */
export function remember(card: CardReader): CardReader {
  const files = new Map<string, Promise<Uint8Array>>();
  return {
    ...card,
    list: (folder) => card.list(folder),
    stat: (path) => card.stat(path),
    async read(path, offset = 0, length = Infinity) {
      const known = files.get(pathKey(path));
      if (offset === 0 && length === Infinity) {
        const whole = known ?? card.read(path);
        files.set(pathKey(path), whole);
        return whole;
      }
      return known ? (await known).slice(offset, offset + length) : card.read(path, offset, length);
    },
  };
}
