// @ts-check
/** The kinds of text that requests hold. */

/** @param {unknown} value */
export const isWebUrl = (value) => {
	if (typeof value !== 'string' || !URL.canParse(value)) return false;
	return ['http:', 'https:'].includes(new URL(value).protocol);
};

/**
 * The bytes of an image given as Base64, bare or as a data URI.
 * @param {string} value
 * @returns {Buffer | null} null when it is neither
 */
export function base64Image(value) {
	const data = /^data:image\/(?:png|jpe?g);base64,(.*)$/s.exec(value)?.[1] ?? value;
	return data.length >= 16 && data.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(data)
		? Buffer.from(data, 'base64')
		: null;
}

/** The formats of the schemas in `documented/`. @type {Record<string, { validate: (text: string) => boolean, noun: string }>} */
export const formats = {
	uri: { validate: isWebUrl, noun: 'an absolute http(s) URL' },
	image: {
		validate: (text) => isWebUrl(text) || base64Image(text) !== null,
		noun: 'an image URL or a Base64 image',
	},
};
