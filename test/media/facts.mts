import type { VideoFacts } from './built.mts';

export const MB = 1024 * 1024;

/** @returns what the reader would say of an ordinary video: 5 s, 1280 x 720, 30 frames a second */
export function videoFacts(facts: Partial<VideoFacts> = {}): VideoFacts {
	return {
		container: 'mp4',
		brand: 'isom',
		width: 1280,
		height: 720,
		codedWidth: 1280,
		codedHeight: 720,
		rotation: 0,
		duration: 5,
		frameRate: 30,
		codec: 'avc1',
		hasAudio: true,
		size: 5 * MB,
		...facts,
	};
}
