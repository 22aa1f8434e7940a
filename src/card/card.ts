import type { HypberryError } from '../base/errors.js';

/** A file or folder on the boot partition. */
export interface Entry {
  /** Name as it stands on the card, without its folder. */
  readonly name: string;
  /** Bytes; 0 for a folder. */
  readonly size: number;
  readonly isFolder: boolean;
  /** Set of a folder that is a link to one: what is in it stands elsewhere. A file's link is the file. */
  readonly isLink?: boolean;
  /**
   * Set by `stat` of a file that is reached through links: where those stand that lead to it, and it at the end, from the
   * partition's root; those that are elsewhere are left out.
   */
  readonly way?: readonly string[];
}

/** Which part of a medium a card is, and why this one. */
export interface Place {
  /** The partition's number, as Linux counts; undefined where the medium is one volume without a table, or a folder. */
  readonly partition: number | undefined;
  /** What it is, with the reason: `Partition 2: autoboot.txt on partition 1 says boot_partition=2.` */
  readonly reason: string;
  /** True where somebody may have expected another part: the reason is worth a line in every command. */
  readonly notable: boolean;
  /** What else the medium can be read as, a sentence with the option that takes it. */
  readonly other: string | undefined;
  /** What one should know beside that, a sentence each. */
  readonly notes: readonly string[];
  /** The bootcode.bin that reads this partition's config.txt, where that one is on another partition. */
  readonly bootcode?: Uint8Array | undefined;
  /** Why a Pi does not start from here, so that there is nothing to install. */
  readonly problem: HypberryError | undefined;
}

/** A change to a card. */
export type Change =
  | { readonly kind: 'create' | 'replace'; readonly path: string; readonly data: Uint8Array }
  | { readonly kind: 'remove'; readonly path: string };

/**
 * Read access to a boot partition, wherever it lives.
 *
 * Paths are relative to the partition's root, with `/` between names (`overlays/vc4.dtbo`; `''` is the root),
 * and match without regard to case, as FAT and the Pi's firmware do.
 */
export interface CardReader {
  /** Undefined where nothing is known of a medium, as of a card in memory. */
  readonly place?: Place | undefined;
  /** The volume's name; undefined where it has none, and where it is not known, as of most folders. */
  readonly label?: string | undefined;
  /** Bytes of the medium that are taken and belong to no file; undefined where that is not known, as of a folder. */
  readonly lostBytes?: number | undefined;
  /** The folder's entries, in the order of the medium. Throws `card.no-file` where the folder is not there. */
  list(folder: string): Promise<Entry[]>;
  /** The entry at `path`, or undefined where there is none. */
  stat(path: string): Promise<Entry | undefined>;
  /** The file's bytes, all or `length` from `offset` (fewer at its end). Throws `card.no-file`, `card.too-large`. */
  read(path: string, offset?: number, length?: number): Promise<Uint8Array>;
}

/** Where the boot partition was found. */
export type CardKind = 'folder' | 'image' | 'device';

/**
 * A boot partition that can be changed. Every method leaves the partition such that a cut of the power between
 * any two of its writes loses nothing that was there before, except the space of a half-written new file.
 */
export interface Card extends CardReader {
  readonly kind: CardKind;
  /** The target as the user named it. */
  readonly target: string;
  /** Bytes that new files can take. */
  freeBytes(): Promise<number>;
  /**
   * Refuses, with nothing written, what making these changes one after the other would refuse, as far as that can be
   * known before. On a card that is open for reading it is as if it were open for writing. Throws what they throw.
   */
  check(changes: readonly Change[]): Promise<void>;
  /**
   * Writes a new file and returns when it is on the medium.
   * Throws `card.exists`, `card.no-room`, `card.read-only`.
   */
  create(path: string, data: Uint8Array): Promise<void>;
  /**
   * Puts new bytes in the place of a file's old ones, in one step: whoever looks, at any time, after any cut of
   * the power, finds the old bytes or the new. Creates the file where it is missing. Takes room beside the old bytes, but
   * for a change that `changeInPlace` (in-place.ts) knows.
   * Throws `card.no-room`, `card.read-only`, `card.link`, `card.permission`.
   */
  replace(path: string, data: Uint8Array): Promise<void>;
  /** Removes a file. Throws `card.no-file`, `card.read-only`. */
  remove(path: string): Promise<void>;
  /** Lets go of the medium; nothing else may be called after it. */
  close(): Promise<void>;
}
