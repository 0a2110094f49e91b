import type { INodeProperties, NodeParameterValue } from 'n8n-workflow';

/** The limits that an API documents, beyond n8n's own `minValue` and `options`. */
export interface Limits {
	/**
	 * In place of n8n's own, with which its field for numbers swallows the digit that goes too far: 20
	 * would come out as 2, and that as the least allowed.
	 */
	maxValue?: number;
	/** Characters. */
	maxLength?: number;
	/** Entries of a list. */
	minItems?: number;
	maxItems?: number;
	/**
	 * `url` and `video`: http(s) only. `image`: an http(s) URL, a data URI, Base64 or the name of a
	 * binary field. `videoField`: the name of a binary field.
	 */
	format?: 'url' | 'video' | 'image' | 'videoField';
}

/**
 * A documented parameter, declared once: what n8n shows, what is allowed, and (in n8n's own
 * `routing.send`) what the API calls it. Checks and request body are both made from it.
 */
export interface ApiProperty extends INodeProperties {
	routing: { send: { type: 'body'; property: string } };
	limits?: Limits;
	/** The API's spelling of the value, where its type differs from n8n's. */
	wire?: 'string' | 'yesNo';
	/** Sent with its default too: the API asks for it, or documents no default of its own. */
	alwaysSent?: true;
	/** The name of a list in the request, to whose only entry the field belongs. */
	entryOf?: string;
}

/** @param name what the API calls the field */
export function sentAs(name: string): Pick<ApiProperty, 'routing'> {
	return { routing: { send: { type: 'body', property: name } } };
}

/** The parameters that decide which others are shown. */
export type Scope = Record<string, NodeParameterValue>;

/** @returns whether n8n shows the property when the deciding parameters have these values */
export function isShown({ displayOptions }: INodeProperties, scope: Scope): boolean {
	return Object.entries(displayOptions?.show ?? {}).every(([path, allowed]) =>
		(allowed as NodeParameterValue[]).includes(scope[path.replace(/^\//, '')]),
	);
}
