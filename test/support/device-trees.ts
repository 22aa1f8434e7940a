import { execFileSync } from 'node:child_process';
import { readFdt, writeFdt } from '../../src/firmware/fdt.js';

/**
 * Compiles a device tree's source by dtc.
 * @param flags its own, such as -@ for a tree that keeps its labels
 */
export function compileTree(source: string, ...flags: readonly string[]): Uint8Array {
  return new Uint8Array(
    execFileSync('dtc', ['-q', '-q', ...flags, '-I', 'dts', '-O', 'dtb'], { input: source }),
  );
}

/** The source of a flattened tree, its nodes and properties in alphabetical order, to compare it by. */
export function sortedSource(dtb: Uint8Array): string {
  return execFileSync('dtc', ['-q', '-q', '-s', '-I', 'dtb', '-O', 'dts'], { input: dtb, encoding: 'utf8' });
}

/** The same without the labels, which libfdt takes over from an overlay and the firmware does not. */
export function withoutLabels(dtb: Uint8Array): string {
  const fdt = readFdt(dtb);
  fdt.root.children.splice(0, Infinity, ...fdt.root.children.filter(({ name }) => name !== '__symbols__'));
  return sortedSource(writeFdt(fdt));
}
