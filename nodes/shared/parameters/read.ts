import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { InvalidInput } from '../errors';
import { checkValue, got } from './check';
import { binaryPropertyName, downloadVideo } from './optionProperties';

/** Reading the parameters of a node that no API knows of. */

/**
 * Reads a parameter that decides what is done, and so what is paid: never by a default of ours.
 * @param choices what it may be; the first stands where the user has left it alone
 * @throws InvalidInput
 */
export function readChoice<T extends string>(
	context: IExecuteFunctions,
	item: number,
	name: string,
	label: string,
	choices: readonly T[],
): T {
	const value = context.getNodeParameter(name, item, choices[0]) as T;
	if (choices.includes(value)) return value;
	throw new InvalidInput([`${label} must be one of ${choices.join(', ')}${got(value)}`]);
}

/** @returns a parameter that no API knows of, or its default where it was left alone */
export function readOwn(context: IExecuteFunctions, item: number, property: INodeProperties) {
	const given = context.getNodeParameter(property.name, item, property.default);
	const { value, problems } = checkValue(property, given, property.displayName);
	return { value: problems.length > 0 ? undefined : (value ?? property.default), problems };
}

/** @returns the name of the binary field for the video, where it is wanted */
export function readFileField(
	context: IExecuteFunctions,
	item: number,
): { value?: string; problems: string[] } {
	const { value: isWanted, problems } = readOwn(context, item, downloadVideo);
	return isWanted ? readBinaryField(context, item) : { problems };
}

/** @returns the name of the binary field for the video, and what is wrong with it */
export function readBinaryField(context: IExecuteFunctions, item: number) {
	const { value, problems } = readOwn(context, item, binaryPropertyName);
	return { value: value as string | undefined, problems };
}
