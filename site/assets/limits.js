// How large a photo may be.

/** In a request: Lambda takes 6 MB a call, and base64 makes a photo a third larger. */
export const MAX_PHOTO_BYTES = 4_500_000;

/** Through S3. */
export const MAX_UPLOAD_BYTES = 50_000_000;
