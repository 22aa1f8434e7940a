/** A piece of physical memory that holds something when the cores start. */
export interface Segment {
  /** What it is, for people: `kernel`, `stub`, `device tree`, `initramfs`, `ATAGS`. */
  readonly name: string;
  /** Physical address of the first byte. */
  readonly address: number;
  readonly data: Uint8Array;
}

/**
 * What the VideoCore leaves behind when it lets the ARM cores go: a machine ready to run, whatever runs it.
 * All four cores start at address 0 in Secure SVC mode, MMU and caches off.
 */
export interface Handover {
  /** In ascending order of address, not overlapping. Memory outside is zero. */
  readonly memory: readonly Segment[];
  /** Bytes of RAM that the ARM sees from address 0 (the rest of the 1 GiB is the VideoCore's). */
  readonly armMemory: number;
  /** What was picked and where it went. */
  readonly picked: Picked;
}

/** The choices that led to a handover, for reports. */
export interface Picked {
  readonly kernel: { readonly file: string; readonly address: number; readonly size: number };
  /** What stands at address 0: the kernel file itself (`kernel_old`), a file, or the stub inside start.elf. */
  readonly stub:
    | { readonly from: 'kernel' }
    | { readonly from: 'file'; readonly file: string }
    | { readonly from: 'start.elf'; readonly file: string; readonly offset: number }
    /** No start.elf on the card to take a stub from: a plain one that leaves SVC mode, as the oldest firmware's. */
    | { readonly from: 'none' };
  readonly tree: { readonly file: string; readonly address: number; readonly size: number } | undefined;
  readonly initramfs: { readonly file: string; readonly address: number; readonly size: number } | undefined;
  /** `os_prefix` as far as it is in effect: what stands in front of the names of kernel, tree and initramfs. */
  readonly osPrefix: string;
  /** Why the kernel loses the tree that config.txt has put where it is, a sentence; undefined where it does not. */
  readonly treeLost?: string | undefined;
  /** The same where the firmware has chosen that place. */
  readonly treeLostByFirmware?: string | undefined;
  /** Whether the kernel is Linux that does not start without a tree from the firmware. */
  readonly needsTree?: boolean | undefined;
  /** The kernel's command line as handed over. */
  readonly commandLine: string;
  /** Anything that a reader should know, one sentence each. */
  readonly notes: readonly string[];
  /** Those among the notes that say: not known, and it could change what the Pi starts. `install` refuses such a card. */
  readonly unsure: readonly string[];
}
