/** By this note every release knows the program again; its text is the release. */
export const RELEASE_NOTE = { owner: 'hypberry', type: 1 } as const;
