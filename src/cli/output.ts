/** What every command prints alike. */
import picocolors from 'picocolors';
import { HypberryError } from '../base/errors.js';

/** Colours for what goes to a stream: none where that is no terminal. */
const colorsFor = (stream: NodeJS.WriteStream) =>
  picocolors.createColors(stream.isTTY ? picocolors.isColorSupported : false);

/** Colours for standard output. */
export const colors = colorsFor(process.stdout);

/** Prints a line for people on standard output. */
export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Prints one JSON object on standard output, for scripts. Bytes in it become base64. */
export function sayJson(value: unknown): void {
  say(
    JSON.stringify(
      value,
      (_key, part: unknown) => (part instanceof Uint8Array ? Buffer.from(part).toString('base64') : part),
      2,
    ),
  );
}

/** Prints an error on standard error: what is wrong on the first line, what to do on the second. */
export function printError(error: unknown): void {
  const [what, hint] =
    error instanceof HypberryError
      ? [`${error.message} (${error.code})`, error.hint]
      : [
          `An error that hypberry does not know: ${String(error instanceof Error ? error.message : error).split('\n', 1)[0]!} (unknown)`,
          'This is a fault in hypberry. Run it again with NODE_DEBUG=hypberry set, and report what it prints.',
        ];
  const { red, cyan } = colorsFor(process.stderr);
  process.stderr.write(`${red('error:')} ${what}\n${cyan('hint: ')} ${hint}\n`);
  if (process.env['NODE_DEBUG']?.split(',').includes('hypberry') && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`);
  }
}

/** A number of bytes for people: `252 bytes`, `32 KiB`, `5.1 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const [value, unit] = bytes < 1 << 20 ? [bytes / 1024, 'KiB'] : [bytes / 2 ** 20, 'MiB'];
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
}

/** A 32-bit number as `0x%08x`. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/** Lines of two columns, the first one as wide as its widest cell. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`.trimEnd());
}
