/**
 * How other programs watch a stream and publish one: text to be copied, with the stream's address in it.
 *
 * @module
 */
import type { StreamFormat } from "../core/stream_format.ts";

/** What is to be watched, or published. */
export interface Subject {
  /** The relay's address, with a slash at the end. */
  readonly base: URL;
  /** The stream's name. */
  readonly name: string;
  /** The format of its frames; `undefined` while none has come. */
  readonly format?: StreamFormat | undefined;
  /** What one frame is coded with, as in the stream's configuration. */
  readonly codec?: string | null;
  /** Pixel format of raw frames, under its ffmpeg name. */
  readonly pixelFormat?: string | null;
  /** Whether the relay asks for a token; no text has the token itself. */
  readonly needsToken: boolean;
}

/** One text. */
export interface Recipe {
  /** The program. */
  readonly tool: string;
  /** What the text does, or what to do with it: a sentence. */
  readonly what: string;
  readonly kind: "shell" | "python" | "html" | "settings";
  readonly text: string;
  /** What is copied, where it is less than the text. */
  readonly copied?: string;
}

/** The header by which a token comes (RFC 6750 section 2.1), as a shell fills it in. */
const HEADER = '"Authorization: Bearer $TOKEN"';
/** Where a page of one's own may have the element from, as in docs/library.md. */
const ELEMENT = "/node_modules/@stream/relay/player.js";
/** For pictures without delay: nothing is looked ahead at, and any browser decodes it. */
const X264 = "-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60";

/** One word of a POSIX shell that stands for `text`. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * The ending under which a stream can be had by players, without a loss where there is such a one;
 * `undefined` where it can be had as no file. Most formats are in Matroska, so that stands for those that
 * are not known yet.
 */
export function endingOf({ format, codec, pixelFormat }: Subject): string | undefined {
  switch (format) {
    case "vp8":
    case "vp9":
    case "av1":
      return "webm";
    case "png":
      return "mjpeg";
    case "y4m":
      return "y4m";
    case "raw":
      return /^(?:yuv4|gray)/.test(pixelFormat ?? "") ? "y4m" : "mjpeg";
    case "lp32":
      return codec === "jpeg" || codec === "png" ? "mjpeg" : undefined;
    default:
      return "mkv";
  }
}

/** How to watch a stream. */
export function watchRecipes(subject: Subject): Recipe[] {
  const { needsToken } = subject;
  const ending = endingOf(subject);
  const page = addressOf(subject, "");
  return [
    ...ending === undefined ? [] : fileRecipes(subject, ending),
    {
      tool: "stream",
      what: "Every frame, also when the relay was gone in between.",
      kind: "shell",
      text: `${needsToken ? 'STREAM_TOKEN="$TOKEN" ' : ""}stream watch ${
        shellWord(webSocket(page))
      }`,
    },
    {
      tool: "<stream-player>",
      what: "In a page of your own, with the package @stream/relay of this project. " +
        "The relay has to allow the page’s site by --allow-origin.",
      kind: "html",
      text: [
        '<script type="module">',
        `  import { defineStreamPlayer } from ${JSON.stringify(ELEMENT)};`,
        "  defineStreamPlayer();",
        ...needsToken
          ? ['  document.querySelector("stream-player").token = () => prompt("Token");']
          : [],
        "</script>",
        `<stream-player src="${attribute(webSocket(page))}"></stream-player>`,
      ].join("\n"),
    },
  ];
}

/** How players get a stream as a file that does not end. */
function fileRecipes(subject: Subject, ending: string): Recipe[] {
  const { needsToken, format } = subject;
  const url = addressOf(subject, `.${ending}`);
  const address = shellWord(url);
  const curl = needsToken ? `curl -sN -H ${HEADER}` : "curl -N";
  const input = (option: string) => needsToken ? `${option} ` : "";
  const isMotion = ending === "mjpeg";
  const hasPicture = isMotion || format === "mjpeg" || ending === "y4m";
  const decode = isMotion ? "multipartdemux ! jpegdec" : "decodebin";
  const play = `${decode} ! videoconvert ! autovideosink sync=false`;
  // Motion JPEG has no times of its own; pixels would fill the disk.
  const timed = isMotion ? "-use_wallclock_as_timestamps 1 " : "";
  const kept = ending === "y4m" ? "" : " -c copy";
  return [
    {
      tool: "VLC",
      what: needsToken
        ? "VLC sends no token, so curl gets the stream for it."
        : "Media → Open Network Stream takes the address, too.",
      kind: "shell",
      text: needsToken
        ? `${curl} ${address} | vlc --file-caching=300 -`
        : `vlc --network-caching=300 ${address}`,
    },
    {
      tool: "mpv",
      what: "With as little delay as it can.",
      kind: "shell",
      text: `mpv --profile=low-latency ${input(`--http-header-fields=${HEADER}`)}${address}`,
    },
    {
      tool: "ffmpeg",
      what: `Records until you press q${kept === "" ? "" : ", without encoding again"}.`,
      kind: "shell",
      text: `ffmpeg ${timed}${input(`-headers ${HEADER}`)}-i ${address}${kept} recording.mkv`,
    },
    {
      tool: "GStreamer",
      what: "Shows it in a window.",
      kind: "shell",
      text: needsToken
        ? `${curl} ${address} | gst-launch-1.0 fdsrc ! ${play}`
        : `gst-launch-1.0 souphttpsrc location=${address} is-live=true ! ${play}`,
    },
    {
      tool: "OpenCV",
      what: "Python, a picture at a time.",
      kind: "python",
      text: [
        ...needsToken
          ? [
            "import os",
            "",
            "# Before OpenCV is loaded.",
            'header = "headers;Authorization: Bearer " + os.environ["TOKEN"]',
            'os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = header',
          ]
          : [],
        "import cv2",
        "",
        `stream = cv2.VideoCapture(${pythonText(url)})`,
        "while True:",
        "    there, picture = stream.read()",
        "    if not there:",
        "        break",
        "    print(picture.shape)",
      ].join("\n"),
    },
    hasPicture
      ? {
        tool: "curl",
        what: `The newest picture. All of them: the address ends in .${ending}.`,
        kind: "shell",
        text: `curl ${input(`-H ${HEADER}`)}-o picture.jpg ${
          shellWord(addressOf(subject, ".jpg"))
        }`,
      }
      : {
        tool: "curl",
        what: "Writes it to a file until you press Ctrl+C.",
        kind: "shell",
        text: `${curl} -o recording.${ending} ${address}`,
      },
  ];
}

/** How to publish a stream. */
export function publishRecipes(subject: Subject): Recipe[] {
  const { needsToken } = subject;
  const url = addressOf(subject, "");
  const address = shellWord(url);
  const header = needsToken ? `-headers ${HEADER} ` : "";
  const post = `curl -sS ${needsToken ? `-H ${HEADER} ` : ""}-T - ${address}`;
  return [
    {
      tool: "ffmpeg, a file",
      what: "Any video, as H.264 at its own pace.",
      kind: "shell",
      text: `ffmpeg -re -i video.mp4 -an ${X264} -f mpegts ${header}${address}`,
    },
    {
      tool: "ffmpeg, a camera",
      what: "On Linux. On macOS: -f avfoundation -framerate 30 -i 0. " +
        "On Windows: -f dshow -i video=NAME.",
      kind: "shell",
      text: `ffmpeg -f v4l2 -i /dev/video0 -an ${X264} -f mpegts ${header}${address}`,
    },
    {
      tool: "GStreamer",
      what:
        "A test pattern as motion JPEG. A camera: v4l2src in place of videotestsrc is-live=true.",
      kind: "shell",
      text:
        "gst-launch-1.0 -q videotestsrc is-live=true ! videoconvert ! jpegenc ! fdsink fd=1 | " +
        post,
    },
    {
      tool: "OBS",
      what: needsToken
        ? "In Settings → Output. OBS writes the muxer settings, and with them the token, into its log."
        : "In Settings → Output.",
      kind: "settings",
      text: [
        "Output Mode: Advanced; then the tab Recording",
        "Type: Custom Output (FFmpeg)",
        "FFmpeg Output Type: Output to URL",
        `File path or URL: ${url}`,
        "Container Format: mpegts",
        ...needsToken ? ["Muxer Settings: headers='Authorization: Bearer TOKEN'"] : [],
        "Keyframe interval (frames): 60",
        "Video Encoder: libx264",
        "Video Encoder Settings: preset=veryfast tune=zerolatency",
        "Then: Start Recording",
      ].join("\n"),
      copied: url,
    },
    {
      tool: "OpenCV",
      what: "Python, the first camera as motion JPEG, with nothing but OpenCV.",
      kind: "python",
      text: [
        ...needsToken ? ["import os"] : [],
        "import urllib.request",
        "",
        "import cv2",
        "",
        "camera = cv2.VideoCapture(0)",
        "",
        "",
        "def pictures():",
        "    while True:",
        "        there, picture = camera.read()",
        "        if not there:",
        "            return",
        '        yield cv2.imencode(".jpg", picture)[1].tobytes()',
        "",
        "",
        `request = urllib.request.Request(${pythonText(url)}, data=pictures(), method="POST")`,
        ...needsToken
          ? ['request.add_header("Authorization", "Bearer " + os.environ["TOKEN"])']
          : [],
        "print(urllib.request.urlopen(request).read().decode())",
      ].join("\n"),
    },
    {
      tool: "curl",
      what: "Whatever a program writes: here motion JPEG of ffmpeg.",
      kind: "shell",
      text: `ffmpeg -v error -re -i video.mp4 -an -c:v mjpeg -q:v 3 -f mjpeg - | ${post}`,
    },
    {
      tool: "stream",
      what: "Loses nothing, and comes back by itself when the relay was gone.",
      kind: "shell",
      text: `${needsToken ? 'STREAM_TOKEN="$TOKEN" ' : ""}stream publish --input video.mp4 ${
        shellWord(webSocket(url))
      }`,
    },
  ];
}

/** What is to be done before the texts work. */
export function preparations({ base, needsToken }: Subject): string[] {
  return [
    ...needsToken
      ? [
        "$TOKEN stands for your token. Put it there from a file that only you can read: " +
        'export TOKEN="$(cat token.txt)"',
      ]
      : [],
    ...base.protocol === "https:"
      ? [
        "Where the relay made its certificate itself, give its cert.pem to the program: " +
        "curl --cacert cert.pem; ffmpeg -tls_verify 1 -ca_file cert.pem in front of -i, " +
        "or of the address that it publishes to; " +
        "mpv --tls-verify --tls-ca-file=cert.pem; stream --ca cert.pem.",
      ]
      : [],
  ];
}

function addressOf({ base, name }: Subject, ending: string): string {
  return new URL(encodeURIComponent(name) + ending, base).href;
}

function webSocket(url: string): string {
  return url.replace(/^http/, "ws");
}

/** Text of Python; an address has no characters of which JSON and Python think otherwise. */
function pythonText(url: string): string {
  return JSON.stringify(url);
}

function attribute(url: string): string {
  return url.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
}
