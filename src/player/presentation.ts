/**
 * How a stream's pictures are shown where that is not how they are coded: stretched, and turned.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import type { Picture } from "./pictures.ts";

/** The picture as its configuration has it shown. Whoever has it closes it, and not the other. */
export function presented(
  picture: Picture,
  { rotation = 0, displayWidth, displayHeight }: Pick<
    StreamConfig,
    "rotation" | "displayWidth" | "displayHeight"
  >,
): Picture {
  const width = displayWidth ?? picture.width;
  const height = displayHeight ?? picture.height;
  if (rotation === 0 && width === picture.width && height === picture.height) return picture;
  const isUpright = rotation % 180 === 0;
  return {
    ...picture,
    width: isUpright ? width : height,
    height: isUpright ? height : width,
    draw: (context) => {
      context.save();
      context.translate((isUpright ? width : height) / 2, (isUpright ? height : width) / 2);
      context.rotate(rotation * Math.PI / 180);
      context.translate(-width / 2, -height / 2);
      context.scale(width / picture.width, height / picture.height);
      picture.draw(context);
      context.restore();
    },
  };
}
