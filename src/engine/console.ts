/** Characters of a line that are looked at; the rest of a longer one is passed over. */
const LINE_LIMIT = 4096;

/** A line without the escape sequences that move a terminal's cursor, colour its text or ask where it is (ECMA-48, 5.4). */
export function withoutEscapes(line: string): string {
  return line.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '');
}

/** Characters of a console that are kept at each of its two ends. */
export const CONSOLE_END_LIMIT = 0x10_0000;

/**
 * Takes text apart into lines, however it is cut into pieces. CR, LF and CR LF end a line, an empty line is none,
 * and of a line longer than {@link LINE_LIMIT} only the beginning is given.
 * @param onLine called with each line, without its end
 */
export function createLineSplitter(onLine: (line: string) => void): {
  take(text: string): void;
  /** What stands after the last line's end so far. */
  readonly rest: string;
} {
  let rest = '';
  return {
    take(text) {
      const pieces = text.split(/[\r\n]/);
      const last = pieces.pop()!;
      for (const piece of pieces) {
        const line = (rest + piece).slice(0, LINE_LIMIT);
        rest = '';
        if (line !== '') onLine(line);
      }
      rest = (rest + last).slice(0, LINE_LIMIT);
    },
    get rest() {
      return rest;
    },
  };
}

/**
 * Keeps a console's text: all of it, or of a long one {@link CONSOLE_END_LIMIT} characters from each end, with a
 * line between them that says how many are left out.
 */
export function createTranscript(): { take(text: string): void; readonly text: string } {
  let head = '';
  let tail = '';
  let dropped = 0;
  return {
    take(text) {
      const room = CONSOLE_END_LIMIT - head.length;
      head += text.slice(0, room);
      tail += text.slice(room);
      // Cut now and then, not each time: a cut copies the whole.
      if (tail.length > 2 * CONSOLE_END_LIMIT) {
        dropped += tail.length - CONSOLE_END_LIMIT;
        tail = tail.slice(-CONSOLE_END_LIMIT);
      }
    },
    get text() {
      const left = dropped + Math.max(0, tail.length - CONSOLE_END_LIMIT);
      if (left === 0) return head + tail;
      return `${head}\n[${left} characters left out]\n${tail.slice(-CONSOLE_END_LIMIT)}`;
    },
  };
}

/** Text out of consoles' bytes, in whatever pieces they come. */
export interface ConsoleDecoder {
  /** What is not UTF-8 is U+FFFD; a character that is cut in two waits for its rest. */
  take(bytes: Uint8Array, console: string | undefined): string;
  /** What has waited for a rest that did not come, by consoles. */
  rest(): readonly (readonly [console: string | undefined, text: string])[];
}

/** Makes one for as many consoles as there come. A byte order mark is a character like any other. */
export function createConsoleDecoder(): ConsoleDecoder {
  const decoders = new Map<string | undefined, InstanceType<typeof TextDecoder>>();
  return {
    take(bytes, console) {
      const decoder = decoders.get(console) ?? new TextDecoder('utf-8', { ignoreBOM: true });
      decoders.set(console, decoder);
      return decoder.decode(bytes, { stream: true });
    },
    rest: () => [...decoders].map(([console, decoder]) => [console, decoder.decode()] as const),
  };
}
