import { asObject, isObject } from '../util/unknown';

/** Where a video or an image of a request comes from. */
export type Origin =
	| { url: string }
	/** As the user gave it: Base64 alone, or a data URI. */
	| { base64: string }
	/** A binary field of the item by its name, and the file in it once that is found. */
	| { field: string; file?: BinaryFile };

/** A file as n8n keeps it: in memory as Base64, or in its store by an ID. */
export interface BinaryFile {
	data: string;
	mimeType: string;
	id?: string;
	fileName?: string;
	/** n8n keeps more with it. */
	[key: string]: string | number | undefined;
}

/** @returns whether a value is a file, as an expression like `$binary.data` gives it */
export function isBinaryFile(value: unknown): value is BinaryFile {
	const { mimeType, id, data } = asObject(value);
	return typeof mimeType === 'string' && [id, data].some((text) => typeof text === 'string');
}

/** A part of a video, in seconds as a player shows it. */
export interface Part {
	start: number;
	length: number;
}

/**
 * A video or an image in a request's body, until it is lent to the provider: then it is the text
 * that the API wants in its place.
 */
export class Media {
	constructor(
		readonly kind: 'video' | 'image',
		/** How the user knows the field, with its position in a list. */
		readonly label: string,
		readonly origin: Origin,
		/** Only this part of a video is meant. */
		readonly part?: Part,
	) {}

	/** Stands for the file in a preview, and in the hash of a request. */
	toJSON(): string {
		const { origin, part } = this;
		const whole =
			'url' in origin
				? origin.url
				: 'base64' in origin
					? origin.base64
					: `[binary field ${origin.field}]`;
		return part ? `[${part.length} s from ${part.start} s on of ${whole}]` : whole;
	}
}

/** An address in a request's body behind which there is no file to be looked at, such as that of a webhook. */
export class Address {
	constructor(
		/** How the user knows the field, with its position in a list. */
		readonly label: string,
		readonly url: string,
	) {}

	toJSON(): string {
		return this.url;
	}
}

/**
 * Every address in a body that the provider is to ask, in its order.
 * @returns the address with how the user knows the field, and the kind of file behind it, if any
 */
export function addressesIn(
	value: unknown,
): Array<{ label: string; url: string; kind?: Media['kind'] }> {
	if (value instanceof Address) return [value];
	if (value instanceof Media) {
		const { label, kind, origin, part } = value;
		// A part is taken out by n8n, and handed over.
		return 'url' in origin && !part ? [{ label, kind, url: origin.url }] : [];
	}
	return typeof value === 'object' && value !== null
		? Object.values(value).flatMap(addressesIn)
		: [];
}

/** @returns the same body, with only a part of each video in it */
export function withPart(body: Record<string, unknown>, part: Part): Record<string, unknown> {
	return mapMedia(body, (found) =>
		found instanceof Media && found.kind === 'video'
			? new Media('video', found.label, found.origin, part)
			: found,
	) as Record<string, unknown>;
}

function mapMedia(value: unknown, change: (found: Media | Address) => unknown): unknown {
	if (value instanceof Media || value instanceof Address) return change(value);
	if (Array.isArray(value)) return value.map((each) => mapMedia(each, change));
	if (!isObject(value)) return value;
	return Object.fromEntries(
		Object.entries(value).map(([name, each]) => [name, mapMedia(each, change)]),
	);
}

/** @returns every video and image in a body, in its order */
export function mediaIn(value: unknown): Media[] {
	if (value instanceof Media) return [value];
	if (Array.isArray(value)) return value.flatMap(mediaIn);
	return isObject(value) ? Object.values(value).flatMap(mediaIn) : [];
}

/** @returns the same body, with a text in place of each video, image and address */
export async function replaceMedia(
	value: unknown,
	textOf: (media: Media) => Promise<string>,
): Promise<unknown> {
	const texts = new Map<Media, string>();
	await Promise.all(mediaIn(value).map(async (media) => texts.set(media, await textOf(media))));
	return mapMedia(value, (found) => (found instanceof Media ? texts.get(found) : found.url));
}

const DATA_URI = /^data:(image\/[a-z+.-]+);base64,/i;

/** @returns the bytes of Base64 or of a data URI, and what they are */
export function decode(base64: string): { bytes: Buffer; mimeType: string } {
	const declared = DATA_URI.exec(base64);
	const bytes = Buffer.from(declared ? base64.slice(declared[0].length) : base64, 'base64');
	return { bytes, mimeType: mimeTypeOf(bytes) };
}

/** @returns the type of an image, of the two that the APIs take */
export function mimeTypeOf(image: Buffer): 'image/png' | 'image/jpeg' {
	return image.subarray(1, 4).toString('latin1') === 'PNG' ? 'image/png' : 'image/jpeg';
}
