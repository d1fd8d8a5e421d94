/**
 * Frames and films that ffmpeg makes once for a benchmark.
 *
 * @module
 */
import { createSplitter, type SelfDelimitingFormat } from "../../src/split/create.ts";
import { ffmpeg } from "../../tests/ffmpeg.ts";
import { blankOf, NumberedFrames } from "./numbered_frames.ts";

const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** Different frames of a source, which are repeated: a whole number of GOPs. */
const FRAMES = 60;
const GOP = 30;

/** What pictures are made. */
export interface PictureOptions {
  /** `WxH`. @default {"1280x720"} */
  readonly size?: string;
  /** Frames a second that the video tells of itself. @default {30} */
  readonly fps?: number;
  /** ffmpeg's quality of JPEG, from 2, the best. @default {2} */
  readonly quality?: number;
  /** Strength of noise in the picture. @default {0} */
  readonly noise?: number;
}

/** What makes a JPEG image of 720p about 90 kB long. */
export const LARGE: PictureOptions = { quality: 2, noise: 3 };

/** Numbered JPEG images. */
export async function mjpegFrames(options: PictureOptions = LARGE): Promise<NumberedFrames> {
  const { quality = 2 } = options;
  const args = ["-c:v", "mjpeg", "-q:v", String(quality), "-f", "mjpeg", "-"];
  return numbered(
    "mjpeg",
    await ffmpeg([...picture(options), "-frames:v", String(FRAMES), ...args]),
  );
}

/** Numbered access units of a live encoder, each behind its delimiter. */
export async function h264Frames(options: PictureOptions = {}): Promise<NumberedFrames> {
  const codec = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"];
  const gop = ["-g", String(GOP), "-bf", "0", "-x264-params", "aud=1:scenecut=0"];
  const args = [...codec, ...gop, "-pix_fmt", "yuv420p", "-f", "h264", "-"];
  return numbered(
    "h264",
    await ffmpeg([...picture(options), "-frames:v", String(FRAMES), ...args]),
  );
}

/** Numbered raw pictures of 640x480, three bytes a pixel. */
export function rawFrames(): NumberedFrames {
  const blanks = [32, 96, 160, 224].map((shade) =>
    blankOf("raw", new Uint8Array(640 * 480 * 3).fill(shade))
  );
  return new NumberedFrames("raw", blanks);
}

/** A film of 720p at 30 frames a second with B frames, as MP4. */
export async function makeFilm(path: string, seconds: number): Promise<void> {
  const codec = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "60"];
  const length = ["-t", String(seconds), "-pix_fmt", "yuv420p", "-movflags", "+faststart"];
  await ffmpeg([...picture({}), ...length, ...codec, path]);
}

function picture({ size = "1280x720", fps = 30, noise = 0 }: PictureOptions): string[] {
  return ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${fps},noise=alls=${noise}:allf=t`];
}

function numbered(format: SelfDelimitingFormat & ("mjpeg" | "h264"), bytes: Uint8Array) {
  const splitter = createSplitter({ format, maxFrameBytes: MAX_FRAME_BYTES });
  splitter.push(bytes);
  splitter.end();
  const blanks: Uint8Array[] = [];
  for (let frame; (frame = splitter.next()) !== undefined;) {
    blanks.push(blankOf(format, frame.data));
  }
  return new NumberedFrames(format, blanks);
}
