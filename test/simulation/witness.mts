import type { Ended, Item, Row, ShownError } from './data.mts';
import { START } from './time.mts';

/** A message after which a person who runs the item again pays knowingly. */
export interface Told {
	at: number;
	/** Index of the item. */
	item: number;
	/** Of the loop, from 1 on. */
	round: number;
	/** The message says that no video comes of the task that there was. */
	isGivenUp: boolean;
}

/** Messages that say that running an item again costs money again. */
const KNOWING = /may have created a task|may be billed|could not make the video|makes? a new task/;

const GIVEN_UP = /could not make the video/;

/** Everything that a person can see of a history, and what is written down for its judge. */
export class Witness {
	readonly rows: Row[] = [];

	readonly log: string[] = [];

	readonly hints: string[] = [];

	/** What the editor shows while the node runs. */
	readonly messages: string[] = [];

	/** What each call of the node put out or threw, also of those that went to sleep. */
	readonly shown: string[] = [];

	/** Every run of the node that n8n has seen the end of. */
	readonly ended: Ended[] = [];

	/** HTTP statuses of the answers to callbacks. */
	readonly answers: number[] = [];

	readonly told: Told[] = [];

	/** Each "Retry execution" that a person has pressed, in milliseconds since 1970. */
	readonly retries: number[] = [];

	/** Calls of the node, and which execution they are of. */
	readonly turns: Array<{ execution: string; at: number; cause: string }> = [];

	/** Executions that had ended, and that n8n itself has run again: 1.88 does so at a callback after a crash. */
	readonly revived: string[] = [];

	/** Executions that a call has resumed with what was stored for an earlier sleep. */
	readonly stale: string[] = [];

	/** Executions that a call has resumed so, which the node saw in the midst of a turn, or that n8n's timer has: nobody can tell. */
	readonly overtaken: string[] = [];

	/** Marks in n8n's database that two processes have written at once: n8n has no lock there. */
	overwritten: string[] = [];

	/** How often a person had retried when a mark was not taken: n8n's log says that a retry may pay again. */
	readonly unmarked: number[] = [];

	/** What must never happen, wherever it does. */
	readonly faults: string[] = [];

	/** Everything that happened, for a person to read; empty unless it is wanted. */
	readonly story: string[] = [];

	/** The item and round of the last request that the log says is about to be sent. */
	private sending?: Pick<Told, 'item' | 'round'>;

	constructor(private readonly isTelling: boolean) {}

	note(text: () => string): void {
		if (this.isTelling) this.story.push(`${((Date.now() - START) / 1000).toFixed(3)} s: ${text()}`);
	}

	/**
	 * A line in n8n's log.
	 * @param round of the loop, from 1 on
	 * @param wish of an agent, whose calls have one item each
	 */
	logged(said: string, meta: unknown, round: number, wish = 0): void {
		const message = said.replace(/\b(item) 0\b/i, `$1 ${wish}`);
		this.note(() => `log: ${message}`);
		if (message.includes('did not take a mark')) this.unmarked.push(this.retries.length);
		this.log.push(meta === undefined ? message : `${message} ${JSON.stringify(meta)}`);
		const [, sent] = /^Creating a Kling task: .*, item (\d+)/.exec(message) ?? [];
		if (sent !== undefined) this.sending = { item: Number(sent), round };
		const [, named] = /^Item (\d+): /.exec(message) ?? [];
		if (named !== undefined) this.tell(message, Number(named), round);
		else if (this.sending) this.tell(message, this.sending.item, this.sending.round);
	}

	/** Items that the node put out. */
	putOut(items: Item[], round: number, wish = 0): void {
		this.see(items);
		for (const { json, pairedItem } of items) {
			const { item } = pairedItem as { item: number };
			this.tell(String(json.error), item + wish, round);
		}
	}

	/** An error that ended a call of the node. */
	threw(error: ShownError, round: number, wish = 0): void {
		this.see(error);
		const { message, description = '', context } = error;
		const { itemIndex = -1 } = (context ?? {}) as { itemIndex?: number };
		this.tell(message, itemIndex + wish, round);
		for (const [, item, text] of description.matchAll(/Item (\d+): (.*?)(?=Item \d+: |$)/gs)) {
			this.tell(text, Number(item) + wish, round);
		}
	}

	private see(what: unknown): void {
		const text = JSON.stringify(what);
		this.shown.push(text);
		this.note(() => `shown: ${text.slice(0, 900)}`);
	}

	private tell(text: string, item: number, round: number): void {
		if (!KNOWING.test(text)) return;
		this.told.push({ at: Date.now(), item, round, isGivenUp: GIVEN_UP.test(text) });
	}
}
