/** Containers from ffmpeg by a pipe, through three processes, and back to ffmpeg. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeFolder } from "../cli/folder.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { EVERY_FRAME, start, startRelay } from "../program.ts";
import { relayed } from "./relayed.ts";

const X264 = "-c:v libx264 -preset ultrafast -g 25 -bf 2 -pix_fmt yuv420p";
const X265 = "-c:v libx265 -preset ultrafast -g 25 -pix_fmt yuv420p -x265-params log-level=none";
const SOUND = "-c:a aac";
const MP4 = "-f mp4 -movflags";
const LIVE_MKV = "-f matroska -live 1";

/** What ffmpeg writes to a pipe. */
const PIPES: readonly (readonly [name: string, flags: string])[] = [
  ["H.264 with B frames and sound in MPEG-TS", `${X264} ${SOUND} -f mpegts`],
  ["H.265 in MPEG-TS", `${X265} -an -f mpegts`],
  ["H.264 with B frames and sound in Matroska", `${X264} ${SOUND} ${LIVE_MKV}`],
  ["H.265 in Matroska", `${X265} -an ${LIVE_MKV}`],
  ["MJPEG in Matroska", `-c:v mjpeg -an ${LIVE_MKV}`],
  ["VP8 in WebM", "-c:v libvpx -deadline realtime -cpu-used 8 -g 25 -an -f webm"],
  ["VP9 in WebM", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25 -an -f webm"],
  ["AV1 in WebM", "-c:v libsvtav1 -preset 12 -g 25 -pix_fmt yuv420p -an -f webm"],
  ["H.264 and sound in MP4", `${X264} ${SOUND} ${MP4} frag_keyframe+empty_moov+default_base_moof`],
  ["H.264 in MP4, each frame a fragment", `${X264} -an ${MP4} frag_every_frame+empty_moov`],
  ["H.264 in MP4 of which the list has the first frames", `${X264} -an ${MP4} frag_keyframe`],
  ["H.264 in CMAF", `${X264} -an ${MP4} cmaf+frag_keyframe`],
  ["H.265 in MP4", `${X265} -an ${MP4} frag_keyframe+empty_moov`],
];

async function make(flags: string): Promise<Uint8Array> {
  const pattern = "-f lavfi -i testsrc2=size=160x120:rate=25 -f lavfi -i sine -t 3";
  return await ffmpeg([...pattern.split(" "), ...flags.split(" "), "-"]);
}

/** What the pictures of a file are, one by one. */
async function picturesOf(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(
    await ffmpeg(["-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"]),
  );
  return text.split("\n").filter((line) => /^\d/.test(line)).map((line) =>
    line.replace(/^.*,\s*/, "")
  );
}

for (const [name, flags] of PIPES) {
  Deno.test(
    needs(NO_FFMPEG, `${name} from a pipe of ffmpeg comes out with its pictures`),
    async () => {
      await using folder = await makeFolder();
      await using relay = await startRelay(["--fps", "source"]);
      const input = await make(flags);
      const [source, copy] = [`${folder.path}/source`, `${folder.path}/copy.mkv`];
      await Deno.writeFile(source, input);
      await relayed(relay, { input, watch: ["-o", copy] });
      const seen = await picturesOf(copy);
      assertEquals(seen.length, 75);
      assertEquals(seen, await picturesOf(source));
    },
  );
}

for (const [name, flags] of PIPES.filter(([name]) => name.includes("sound"))) {
  Deno.test(
    needs(NO_FFMPEG, `${name} of an ffmpeg that was killed is relayed up to there`),
    async () => {
      await using folder = await makeFolder();
      await using relay = await startRelay(["--fps", "source"]);
      const input = await make(flags);
      const [source, copy] = [`${folder.path}/source`, `${folder.path}/copy.mkv`];
      await Deno.writeFile(source, input);
      await using watch = start(["watch", relay.url(), ...EVERY_FRAME, "-o", copy]);
      await relay.watchedBy(watch);
      // In the middle of a frame, as a program is killed that has filled its pipe.
      await using publish = start(["publish", relay.url()], {
        stdin: input.subarray(0, Math.floor(input.length * 0.6)),
      });
      const { code, stderr } = await publish.outcome;
      // The last frame of MPEG-TS has no end that could be missing, only its packet.
      const wanted = name.endsWith("MPEG-TS") ? 0 : 5;
      assertEquals([code, (await watch.outcome).code], [wanted, 0], stderr);
      assertMatch(stderr, /found the end of the input/);
      const seen = await picturesOf(copy);
      assert(seen.length > 25, `${seen.length} pictures`);
      // Pictures that are shown before the last ones may be missing.
      const sure = seen.length - 4;
      assertEquals(seen.slice(0, sure), (await picturesOf(source)).slice(0, sure));
    },
  );
}
