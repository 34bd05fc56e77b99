/** Small valid video containers made by hand, for tests of header reading: the boxes are real, the pictures are zeros. */

/** What a made-up video says of itself. */
export interface TinyVideo {
  readonly width?: number;
  readonly height?: number;
  readonly frames?: number;
  /** Frames a second. */
  readonly rate?: number;
  /** Whether the file asks for a quarter turn. */
  readonly isTurned?: boolean;
}

const pictureBytes = 64;

const bytes32 = (...values: readonly number[]): Buffer => {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value >>> 0, 4 * index);
  return buffer;
};

const box = (kind: string, ...content: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  return Buffer.concat([bytes32(body.length + 8), Buffer.from(kind, "latin1"), body]);
};

function sampleEntry(width: number, height: number): Buffer {
  const entry = Buffer.alloc(78);
  entry.writeUInt16BE(width, 24);
  entry.writeUInt16BE(height, 26);
  return box("mp4v", entry);
}

/** Matrices of a track header, in fixed point. */
const upright = bytes32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
const turned = bytes32(0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000);

/** An mp4 file, its index first. */
export function tinyMp4({
  width = 640,
  height = 480,
  frames = 100,
  rate = 24,
  isTurned = false,
}: TinyVideo = {}): Buffer {
  const scale = 1000 * rate;
  const sampleTable = (chunk: number): Buffer =>
    box(
      "stbl",
      box("stsd", bytes32(0, 1), sampleEntry(width, height)),
      box("stsz", bytes32(0, pictureBytes, frames)),
      box("stco", bytes32(0, 1, chunk)),
    );
  const movie = (chunk: number): Buffer =>
    box(
      "moov",
      box(
        "trak",
        box(
          "tkhd",
          bytes32(0, 0, 0, 1, 0, 1000 * frames),
          Buffer.alloc(16),
          isTurned ? turned : upright,
          Buffer.alloc(8),
        ),
        box(
          "mdia",
          box("mdhd", bytes32(0, 0, 0, scale, 1000 * frames, 0)),
          box("hdlr", bytes32(0, 0), Buffer.from("vide"), Buffer.alloc(13)),
          box("minf", sampleTable(chunk)),
        ),
      ),
    );
  const type = box("ftyp", Buffer.from("isom"), bytes32(512));
  const media = box("mdat", Buffer.alloc(pictureBytes * frames));
  return Buffer.concat([type, movie(type.length + movie(0).length + 8), media]);
}
