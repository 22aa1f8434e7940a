/** The parts of README.md and INSIDE.md that a command makes: each stands between `<!-- NAME: … -->` and `<!-- NAME: end -->`. */

const begin = (name: string): RegExp =>
  new RegExp(`(<!-- ${name}: made by [^\\n]*-->\\n)[^]*?(<!-- ${name}: end -->)`);

/**
 * Puts what was made in its places.
 * @param blocks by their names
 * @throws Error where a block has no place
 */
export function fillBlocks(readme: string, blocks: Readonly<Record<string, string>>): string {
  return Object.entries(blocks).reduce((text, [name, made]) => {
    const place = begin(name);
    if (!place.test(text)) throw new Error(`the page has no place for the block ${name}`);
    return text.replace(place, (_, first: string, last: string) => `${first}\n${made}\n\n${last}`);
  }, readme);
}
