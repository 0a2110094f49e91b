import { all, box, lengthen64, parse, shift, toEnd, withoutBrand, write } from './boxes.mts';
import type { Recipe } from './tools.mts';
import { Files } from './tools.mts';

/** The videos that are held against ffprobe: what people film, edit, export and record. */

interface Clip {
	size?: string;
	rate?: string;
	seconds?: number;
	/** Encoder and its settings; H.264 if left out. */
	codec?: string[];
	/** Audio encoder and its settings; no sound if left out. */
	audio?: string[];
	more?: string[];
}

const H264 = words('-c:v libx264 -preset ultrafast -pix_fmt yuv420p -b:v 60k');
/** With B-frames, so that the first frame is not the first shown: every such file has an edit list. */
const H264_B = words('-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 2 -g 25 -b:v 60k');
const HEVC = words('-c:v libx265 -preset ultrafast -x265-params log-level=none -b:v 60k');
export const PRORES = words('-c:v prores_ks -profile:v 0');
export const MPEG4 = words('-c:v mpeg4 -b:v 80k');
export const AAC = words('-c:a aac -b:a 32k');
export const FAST = words('-movflags +faststart');

export function words(text: string): string[] {
	return text.split(' ');
}

export function clip(name: string, what: Clip = {}): Recipe {
	const { size = '160x90', rate = '25', seconds = 3, codec = H264, audio, more = [] } = what;
	const sound = audio ? words('-f lavfi -i sine=frequency=330:sample_rate=44100') : [];
	return {
		name,
		ffmpeg: [
			...words(`-f lavfi -i testsrc2=size=${size}:rate=${rate}`),
			...sound,
			...words(`-t ${seconds} -threads 1`),
			...codec,
			...(audio ?? []),
			...more,
		],
	};
}

/** From other files, without coding anew unless asked to. */
export function remix(name: string, from: string[], args: string): Recipe {
	return { name, from, ffmpeg: words(args) };
}

export function edit(name: string, from: string, change: (bytes: Buffer) => Buffer): Recipe {
	return { name, from: [from], edit: change };
}

const rates = [
	'24000/1001',
	'24',
	'25',
	'30000/1001',
	'30',
	'50',
	'60000/1001',
	'60',
	'15',
	'25/2',
];
const sizes = ['1280x720', '720x1280', '1920x1080', '2160x2160', '130x98', '722x406'];
const fragmented: Record<string, string> = {
	keyframes: 'frag_keyframe+empty_moov',
	base: 'frag_keyframe+empty_moov+default_base_moof',
	dash: 'dash',
	late: 'frag_keyframe+delay_moov',
	hybrid: 'frag_keyframe',
	separate: 'frag_keyframe+empty_moov+separate_moof',
	omitted: 'frag_keyframe+empty_moov+omit_tfhd_offset',
	bare: 'frag_keyframe+empty_moov+skip_trailer',
	indexed: 'frag_keyframe+empty_moov+global_sidx',
};
/** Too large to be read as a whole. */
const HEAVY = words(
	'-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -b:v 4M -minrate 4M -nal-hrd cbr',
);

export const recipes: Recipe[] = [
	...rates.map((rate) => clip(`rate-${rate.replace('/', '-')}.mp4`, { rate })),
	...rates
		.filter((_, index) => index % 2 === 0)
		.map((rate) => clip(`rate-${rate.replace('/', '-')}.mov`, { rate, more: FAST, audio: AAC })),
	...sizes.map((size) => clip(`size-${size}.mp4`, { size, seconds: 1, more: FAST })),
	clip('size-4k.mp4', { size: '3840x2160', seconds: 0.4 }),

	clip('phone.mov', {
		size: '1280x720',
		rate: '30000/1001',
		seconds: 8,
		codec: [...H264.slice(0, -1), '3M'],
		audio: AAC,
	}),
	remix('export.mp4', ['phone.mov'], '-i @0 -c copy -movflags +faststart'),
	clip('hevc-hvc1.mp4', { codec: [...HEVC, '-tag:v', 'hvc1'], audio: AAC }),
	clip('hevc-hev1.mp4', { codec: HEVC, rate: '30' }),
	clip('hevc.mov', { codec: [...HEVC, '-tag:v', 'hvc1'], rate: '60000/1001', seconds: 2 }),
	clip('prores.mov', { codec: PRORES, seconds: 1 }),
	clip('prores-hq.mov', {
		codec: words('-c:v prores_ks -profile:v 3'),
		rate: '24000/1001',
		seconds: 2,
		audio: words('-c:a pcm_s16le'),
	}),
	clip('prores-4444.mov', {
		codec: words('-c:v prores_ks -profile:v 4 -pix_fmt yuva444p10le'),
		seconds: 1,
	}),
	clip('mpeg4.mp4', { codec: MPEG4, audio: AAC }),
	clip('mpeg4.mov', { codec: MPEG4, rate: '30000/1001', audio: AAC, more: FAST }),
	clip('mjpeg.mov', { codec: words('-c:v mjpeg -pix_fmt yuvj420p -q:v 20'), size: '161x91' }),
	clip('mjpeg.mp4', { codec: words('-c:v mjpeg -pix_fmt yuvj420p -q:v 20') }),
	clip('qtrle.mov', { codec: words('-c:v qtrle'), seconds: 1 }),
	clip('png.mov', { codec: words('-c:v png'), seconds: 1 }),
	clip('dnxhr.mov', {
		codec: words('-c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p'),
		size: '320x180',
		seconds: 1,
	}),
	clip('vp9.mp4', {
		codec: words('-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 60k'),
		seconds: 2,
	}),
	clip('raw.mov', { codec: words('-c:v rawvideo -pix_fmt uyvy422'), seconds: 0.4 }),
	clip('rgb.mov', { codec: words('-c:v libx264rgb -preset ultrafast'), seconds: 1 }),
	clip('h263.3gp', { codec: words('-c:v h263'), size: '176x144' }),

	...['90', '180', '270'].map((turn) =>
		clip(`turned-${turn}.mp4`, { more: ['-metadata:s:v:0', `rotate=${turn}`], audio: AAC }),
	),
	clip('turned-90.mov', {
		more: ['-metadata:s:v:0', 'rotate=90', ...FAST],
		size: '1280x720',
		seconds: 1,
	}),

	clip('sound.mp4', { codec: H264_B, audio: AAC }),
	clip('sound-fast.mp4', { codec: H264_B, audio: AAC, more: FAST }),
	clip('sound-mp3.mp4', { audio: words('-c:a libmp3lame -b:a 32k') }),
	clip('sound-pcm.mov', { audio: words('-c:a pcm_s16le') }),
	clip('b-frames.mov', { codec: H264_B, rate: '24000/1001' }),
	clip('one-frame.mp4', { seconds: 0.04 }),

	...Object.entries(fragmented).flatMap(([name, flags]) => [
		clip(`fragments-${name}.mp4`, { codec: [...H264, '-g', '25'], more: ['-movflags', flags] }),
		clip(`fragments-${name}-sound.mp4`, { codec: H264_B, audio: AAC, more: ['-movflags', flags] }),
	]),
	clip('fragments.mov', {
		codec: [...H264, '-g', '30'],
		rate: '30000/1001',
		more: words('-movflags frag_keyframe+empty_moov'),
	}),
	clip('fragments-timed.mp4', {
		audio: AAC,
		more: words('-movflags empty_moov -frag_duration 400000'),
	}),
	...['keyframes', 'dash', 'bare', 'indexed'].map((name) =>
		clip(`fragments-heavy-${name}.mp4`, {
			codec: HEAVY,
			// With an index up front, ffprobe looks at the first fragment only, whose first frame lasts
			// longer when there is sound.
			audio: name === 'indexed' ? undefined : AAC,
			seconds: 5,
			more: ['-movflags', fragmented[name]],
		}),
	),

	remix('cut.mp4', ['sound.mp4'], '-ss 0.7 -i @0 -c copy'),
	remix('cut.mov', ['b-frames.mov'], '-ss 1.3 -i @0 -c copy'),
	remix('cut-short.mp4', ['sound-fast.mp4'], '-ss 0.5 -i @0 -t 1.2 -c copy -movflags +faststart'),
	remix('cut-without-list.mp4', ['sound.mp4'], '-ss 1 -i @0 -c copy -use_editlist 0'),
	remix(
		'late-sound.mp4',
		['rate-25.mp4', 'sound.mp4'],
		'-i @0 -itsoffset 0.4 -i @1 -map 0:v -map 1:a -c copy -t 3',
	),
	remix(
		'late-video.mp4',
		['sound.mp4', 'rate-25.mp4'],
		'-i @0 -itsoffset 0.5 -i @1 -map 1:v -map 0:a -c copy',
	),
	remix(
		'long-sound.mp4',
		['size-1280x720.mp4', 'sound.mp4'],
		'-i @0 -i @1 -map 0:v -map 1:a -c copy',
	),
	remix('sound-first.mp4', ['sound.mp4'], '-i @0 -map 0:a -map 0:v -c copy'),
	remix(
		'two-videos.mp4',
		['rate-30.mp4', 'size-1280x720.mp4'],
		'-i @0 -i @1 -map 0 -map 1 -c copy',
	),
	remix(
		'two-videos-second-on.mp4',
		['rate-30.mp4', 'size-1280x720.mp4'],
		'-i @0 -i @1 -map 0 -map 1 -c copy -disposition:v:0 0 -disposition:v:1 default',
	),
	remix('three-sounds.mov', ['sound.mp4'], '-i @0 -map 0:a -map 0:a -map 0:v -map 0:a -c copy'),
	remix('timecode.mov', ['rate-25.mp4'], '-i @0 -c copy -timecode 01:00:00:00'),
	remix(
		'chapters.mp4',
		['sound.mp4'],
		'-i @0 -c copy -metadata title=Title -metadata comment=Comment -movflags +faststart',
	),

	...Object.entries({
		'variable.mp4': [],
		'variable.mov': [],
		'variable-fast.mp4': FAST,
		'variable-fragments.mp4': words('-movflags frag_keyframe+empty_moov -g 10'),
	}).map(([name, more]) => variable(name, { from: 25, to: 35, frames: 85 }, [...H264, ...more])),

	clip('long.mp4', { size: '64x36', rate: '25', seconds: 600, audio: words('-c:a aac -b:a 16k') }),
	remix('long-fast.mp4', ['long.mp4'], '-i @0 -c copy -movflags +faststart'),

	edit('long-mdat.mp4', 'sound.mp4', (bytes) => {
		const nodes = parse(bytes);
		const [mdat] = all(nodes, 'mdat');
		mdat.size = 'long';
		shift(nodes, 8);
		return write(nodes);
	}),
	edit('mdat-to-end.mp4', 'sound-fast.mp4', toEnd),
	edit('moov-to-end.mp4', 'sound.mp4', toEnd),
	edit('padded.mov', 'b-frames.mov', (bytes) => {
		const nodes = parse(bytes);
		const padding = [
			box('wide'),
			box('skip', Buffer.alloc(100_000)),
			box('free'),
			box('free', Buffer.alloc(7)),
		];
		nodes.splice(
			nodes.findIndex(({ type }) => type === 'mdat'),
			0,
			...padding,
		);
		shift(nodes, 8 + 100_008 + 8 + 15);
		return write(nodes);
	}),
	edit('old-quicktime.mov', 'b-frames.mov', withoutBrand),
	edit('long-offsets.mp4', 'sound.mp4', (bytes) => lengthen64(parse(bytes), 'stco')),
	edit('long-times.mp4', 'turned-90.mp4', (bytes) => lengthen64(parse(bytes), 'times')),
	edit('long-edits.mp4', 'sound.mp4', (bytes) => lengthen64(parse(bytes), 'elst')),
];

/** Frames of 40 ms, then of 100 ms, then of 20 ms, as phones make them when the light changes. */
export function variable(
	name: string,
	{ from, to, frames }: { from: number; to: number; frames: number },
	more: string[],
): Recipe {
	const middle = `${from / 25}+(N-${from})/10`;
	const end = `${from / 25 + (to - from) / 10}+(N-${to})/50`;
	return {
		name,
		ffmpeg: [
			...words(`-f lavfi -i testsrc2=size=160x90:rate=25 -frames:v ${frames} -threads 1 -vsync 2`),
			...[
				'-vf',
				`settb=1/1000,setpts='if(lt(N,${from}),N/25,if(lt(N,${to}),${middle},${end}))/TB'`,
			],
			...words('-video_track_timescale 15000'),
			...more,
		],
	};
}

export const clips = new Files(recipes);
