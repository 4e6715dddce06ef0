// Tells by its first bytes what a file is: names and types that systems give to files are often missing or wrong.

/** @typedef {"photo" | "pdf" | "video" | "folder" | "empty" | "unreadable" | "other"} Kind */

/** Where a PDF may begin: its readers look that far. */
const HEAD_BYTES = 1024;

/** JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC and AVIF: the formats that the API reads. `[^]` is any byte. */
const PHOTO =
  /^(\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF[^]{4}WEBP|BM[^]{4}\0{4}|II[*+]\0|MM\0[*+]|[^]{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1|avi[fs]))/;

/** MP4 and QuickTime, Matroska and WebM, AVI, Ogg, Flash, Windows Media, MPEG. */
const VIDEO =
  /^([^]{4}(ftyp(?!crx |jxl )|moov|mdat|wide|pnot)|\x1a\x45\xdf\xa3|RIFF[^]{4}AVI |OggS|FLV\x01|\x30\x26\xb2\x75|\0\0\x01[\xb3\xba]|G[^]{187}G)/;

/** @param {Blob} file  @returns {Promise<Kind>} */
export async function kindOf(file) {
  if (!file.size) return "empty";
  const bytes = await file.slice(0, HEAD_BYTES).arrayBuffer().catch(() => null);
  if (!bytes) return "unreadable"; // deleted in the meantime, or a folder
  const head = String.fromCharCode(...new Uint8Array(bytes));
  if (PHOTO.test(head)) return "photo";
  if (VIDEO.test(head) || file.type.startsWith("video/")) return "video";
  return head.includes("%PDF-") || file.type === "application/pdf" ? "pdf" : "other";
}

/**
 * Splits files into those that may be photos and those that are none. A file of another kind may be a photo that only
 * this browser can read, unless the system says that it is something else.
 * @param {File[]} files
 * @returns {Promise<{photos: File[], others: {name: string, kind: Kind}[]}>}
 */
export async function sortFiles(files) {
  const kinds = await Promise.all(files.map(kindOf));
  const mayBePhoto = ({ type }, kind) => kind === "photo" || (kind === "other" && (!type || type.startsWith("image/")));
  const photos = files.filter((file, index) => mayBePhoto(file, kinds[index]));
  const others = files.map(({ name }, index) => ({ name, kind: kinds[index] })).filter((_, index) => !photos.includes(files[index]));
  return { photos, others };
}
