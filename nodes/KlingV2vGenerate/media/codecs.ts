import type { VideoFacts } from '../../shared/media/video';

/** How people call what the codes of a file stand for (https://mp4ra.org/registered-types/sampleentries). */
const names: Array<[code: RegExp, name: string]> = [
	[/^(avc[1-4]|dva1|dvav)$/, 'H.264'],
	[/^(hvc[12]|hev[12]|dvh1|dvhe)$/, 'HEVC'],
	[/^(av01|dav1)$/, 'AV1'],
	[/^vp0?8$/i, 'VP8'],
	[/^vp0?9$/i, 'VP9'],
	[/^(vvc1|vvi1)$/, 'VVC'],
	[/^ap(ch|cn|cs|co|4h|4x)$/, 'Apple ProRes'],
	[/^apr[nh]$/, 'Apple ProRes RAW'],
	[/^AVd[nh]$/, 'DNxHD'],
	[/^CFHD$/, 'CineForm'],
	[/^(jpeg|mjp[ab2g]|MJPG)$/, 'Motion JPEG'],
	[/^(mp4v|xvid|XVID|DIVX)$/, 'MPEG-4 Visual'],
	[/^(s263|h263)$/, 'H.263'],
];

/** Every program that takes MP4 and MOV decodes these, where no trait is named. */
const common = new Set(['H.264', 'HEVC']);

/**
 * The providers document containers, but no codecs.
 * @returns how a codec is called that a provider may refuse; undefined where none is known to
 */
export function rareCodec({ codec, codecTraits = [] }: VideoFacts): string | undefined {
	const name = names.find(([code]) => code.test(codec))?.[1] ?? `of the codec "${codec}"`;
	if (codecTraits.length === 0 && common.has(name)) return undefined;
	return [
		name,
		...codecTraits.map((trait) => (trait.startsWith('High') ? trait : `with ${trait}`)),
	].join(' ');
}
