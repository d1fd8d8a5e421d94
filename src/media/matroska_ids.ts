/**
 * Elements of Matroska that blocks stand in or beside: RFC 9559, of which clauses are named.
 *
 * @module
 */

/** Ids of the elements that lead to the frames. */
export const MATROSKA_ID = {
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  blockDuration: 0x9b,
} as const;

/** Elements beside clusters: SeekHead, Tracks, Cues, Chapters, Attachments, Tags; Void, CRC-32. */
export const BESIDE_CLUSTERS: ReadonlySet<number> = new Set([
  ...[0x114d9b74, MATROSKA_ID.info, 0x1654ae6b, 0x1c53bb6b, 0x1043a770, 0x1941a469, 0x1254c367],
  ...[0xec, 0xbf],
]);

/** Elements within clusters: Position, PrevSize, SilentTracks, EncryptedBlock; Void, CRC-32. */
export const WITHIN_CLUSTERS: ReadonlySet<number> = new Set([
  ...[0xa7, 0xab, 0x5854, 0xaf, 0xec, 0xbf],
  MATROSKA_ID.timestamp,
]);

/** What a cluster begins with. */
export const CLUSTER_BEGINNINGS: ReadonlySet<number> = new Set([
  MATROSKA_ID.timestamp,
  ...[0xec, 0xbf, 0xab, 0xa7],
]);

/** Nanoseconds of a unit of time, where the file does not tell: clause 5.1.2.9. */
export const DEFAULT_TIMESTAMP_SCALE = 1_000_000;
/** Most bytes of the description of the film. */
export const MAX_INFO_BYTES: number = 1024 * 1024;
/** Most bytes of the list of tracks. */
export const MAX_TRACKS_BYTES: number = 16 * 1024 * 1024;
