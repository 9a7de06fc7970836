// Holds the size limits of what users and plugins may hand us. Decides no behaviour.

/** `spec.config` of a network, UTF-8 bytes. Half of what a stream client may have queued, so a rendered network always fits into one message. */
export const MAX_CONFIG_BYTES = 128 * 1024

/** One pod annotation, UTF-8 bytes; Kubernetes allows 256 KiB for all annotations of an object together. */
export const MAX_ANNOTATION_BYTES = 256 * 1024

/** What a plugin may print on stdout, UTF-8 bytes. */
export const MAX_RESULT_BYTES = 1024 * 1024

/** Nesting of objects and arrays in any JSON that we read. */
export const MAX_JSON_DEPTH = 64

/** Attachments of one pod; more is a mistake, and every one costs a process. */
export const MAX_ATTACHMENTS = 256
