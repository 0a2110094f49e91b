import type { IExecuteFunctions } from 'n8n-workflow';
import type { MediaFault } from '../../shared/media/fault';
import { streamOf } from '../../shared/n8n/internals';
import type { PlannedClip } from '../media/clips';

export type Bytes = Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0];

/** A file to hand on: its bytes are read when they are sent. */
export interface File {
	open(): Promise<Bytes>;
	size: number;
	mimeType: string;
	/** Why the bytes of the latest `open` have ended too early, where that is known. */
	fault?: MediaFault;
}

/** A part of a video as a file: it is copied from its source while it is sent. */
export class ClipFile implements File {
	readonly size: number;

	readonly mimeType: string;

	fault?: MediaFault;

	constructor(private readonly clip: PlannedClip) {
		this.size = clip.cut.size;
		this.mimeType = clip.cut.mimeType;
	}

	async open(): Promise<Bytes> {
		this.fault = undefined;
		const { sample } = this.clip.source;
		if (sample) return streamOf(sample, this.chunks());
		// Without a stream, the source is in memory as a whole.
		const chunks: Buffer[] = [];
		for await (const chunk of this.chunks()) chunks.push(chunk);
		return Buffer.concat(chunks);
	}

	private chunks(): AsyncGenerator<Buffer> {
		return this.clip.cut.stream((fault) => (this.fault = fault));
	}
}
