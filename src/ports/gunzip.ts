/** Unpacks gzip data (RFC 1952) that may have anything behind it, all of it at once: undefined for what is damaged, or larger than `most` bytes. */
export type Gunzip = (data: Uint8Array, most: number) => Uint8Array | undefined;

let given: Gunzip | undefined;

/** Has gzip data unpacked by something faster than JavaScript from now on, where there is it. */
export function useGunzip(gunzip: Gunzip | undefined): void {
  given = gunzip;
}

/** What {@link useGunzip} gave; where nothing was given, nothing can be unpacked at once. */
export const gunzipAtOnce: Gunzip = (data, most) => given?.(data, most);
