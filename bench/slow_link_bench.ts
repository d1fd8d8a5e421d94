/**
 * A stream of about 6 Mbit/s to a viewer behind a link of 2 Mbit/s, for two minutes or as many
 * seconds as the argument says. Needs Linux, root, iproute2 and ffmpeg.
 *
 * @module
 */
import { NO_TWO_HOSTS } from "../tests/e2e/two_hosts.ts";
import { complaints, LINK_BYTES_PER_SECOND, runSlowLink } from "../tests/e2e/slow_link_run.ts";
import { quantile } from "./relay.ts";
import { printResults } from "./table.ts";

/** Measures and prints. */
export async function benchSlowLink(seconds: number): Promise<void> {
  const runs = [
    { viewer: "acknowledging", format: "h264" },
    { viewer: "acknowledging", format: "mjpeg" },
    { viewer: "bare", format: "h264" },
  ] as const;
  for (const { viewer, format } of runs) {
    const folder = await Deno.makeTempDir();
    try {
      const result = await runSlowLink({ seconds, viewer, format, folder });
      const { delaysMs, worstMs, memoryBytes, bytes, published } = result;
      const beside = await Deno.readFile(`${folder}/beside.${format}`);
      const quarter = Math.ceil(memoryBytes.length / 4);
      const highest = (numbers: readonly number[]) => (Math.max(...numbers) / 1e6).toFixed(0);
      const delay = (numbers: readonly number[]) =>
        [0.5, 0.99, 1].map((share) => quantile(numbers, share).toFixed(0)).join(", ");
      const half = worstMs.length >> 1;
      printResults(`6 Mbit/s of ${format} behind 2 Mbit/s, ${seconds} s, ${viewer}`, [
        ...(viewer === "bare" ? [] : [
          {
            what: "delay in ms: median, p99, highest",
            target: "< 500, < 600, -",
            measured: delay(delaysMs),
          },
          {
            what: "highest delay in ms: first half, second half",
            target: "flat",
            measured: `${Math.max(...worstMs.slice(0, half))}, ${Math.max(...worstMs.slice(half))}`,
          },
        ]),
        {
          what: "part of what the link carries that was used",
          target: format === "mjpeg" ? "> 85 %" : "-",
          measured: `${(100 * bytes / seconds / LINK_BYTES_PER_SECOND).toFixed(0)} %`,
        },
        {
          what: "complaints of the decoder",
          target: "none",
          measured: (await complaints(`${folder}/slow.${format}`, format)).trim() || "none",
        },
        {
          what: "bytes that the viewer beside it lost",
          target: "0",
          measured: String(published.length - beside.length),
        },
        {
          what: "relay's memory in MB: highest in the first and the last quarter",
          target: "flat",
          measured: `${highest(memoryBytes.slice(0, quarter))}, ${
            highest(memoryBytes.slice(-quarter))
          }`,
        },
      ]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
}

if (import.meta.main) {
  if (NO_TWO_HOSTS === undefined) await benchSlowLink(Number(Deno.args[0] ?? 120));
  // deno-lint-ignore no-console
  else console.log(`no slow link here: ${NO_TWO_HOSTS}`);
}
