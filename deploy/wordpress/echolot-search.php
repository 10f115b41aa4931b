<?php
/**
 * Plugin Name: Echolot Search
 * Description: Semantic search, related posts and "Was this article helpful?" from an Echolot daemon.
 * Version: 1.0
 * Requires PHP: 8.0
 * License: Apache-2.0
 *
 * Copy this file to wp-content/plugins/ and activate it. Settings, General holds the daemon's address.
 * Shortcodes: [echolot_search], [echolot_similar limit="4"], [echolot_random], [echolot_helpful].
 */

defined( 'ABSPATH' ) || exit;

/** Returns the daemon's address without a slash at its end. */
function echolot_url(): string {
	return untrailingslashit( (string) get_option( 'echolot_url', '' ) );
}

add_action(
	'admin_init',
	static function (): void {
		register_setting( 'general', 'echolot_url', array( 'type' => 'string', 'sanitize_callback' => 'esc_url_raw' ) );
		add_settings_field(
			'echolot_url',
			'Echolot',
			static function (): void {
				printf(
					'<input type="url" class="regular-text" name="echolot_url" id="echolot_url" placeholder="https://search.example.org" value="%s">',
					esc_attr( echolot_url() )
				);
			},
			'general',
			'default',
			array( 'label_for' => 'echolot_url' )
		);
	}
);

add_action(
	'wp_enqueue_scripts',
	static function (): void {
		if ( echolot_url() ) {
			wp_enqueue_script( 'echolot', echolot_url() . '/widget.js', array(), null, array( 'strategy' => 'defer' ) );
		}
	}
);

/** Returns the search field; without JavaScript its form leads to the search page. */
function echolot_search_form(): string {
	if ( ! echolot_url() ) {
		return '';
	}
	return sprintf(
		'<echolot-search api="%1$s" lang="%2$s"><form role="search" method="get" action="%1$s/search"><input type="search" name="q" required aria-label="%3$s"><button type="submit">%3$s</button></form></echolot-search>',
		esc_url( echolot_url() ),
		esc_attr( substr( get_bloginfo( 'language' ), 0, 2 ) ),
		esc_html__( 'Search' )
	);
}

/** Returns one of the small elements for the post that is shown. */
function echolot_element( string $name, array $attributes = array() ): string {
	if ( ! echolot_url() ) {
		return '';
	}
	$attributes += array(
		'api'  => echolot_url(),
		'url'  => (string) get_permalink(),
		'lang' => substr( get_bloginfo( 'language' ), 0, 2 ),
	);
	$text = '';
	foreach ( $attributes as $key => $value ) {
		$text .= sprintf( ' %s="%s"', esc_attr( $key ), esc_attr( (string) $value ) );
	}
	return "<echolot-{$name}{$text}></echolot-{$name}>";
}

// Themes that call get_search_form(), and the search block, show the widget.
add_filter( 'get_search_form', static fn( string $form ): string => echolot_search_form() ?: $form );
add_filter(
	'render_block_core/search',
	static fn( string $html ): string => echolot_search_form() ?: $html
);

add_shortcode( 'echolot_search', 'echolot_search_form' );
foreach ( array( 'similar', 'random', 'helpful' ) as $echolot_name ) {
	add_shortcode(
		'echolot_' . $echolot_name,
		static fn( $given ): string => echolot_element( $echolot_name, shortcode_atts( array( 'limit' => 4 ), (array) $given ) )
	);
}

// Below each post.
add_filter(
	'the_content',
	static function ( string $content ): string {
		if ( ! is_singular( 'post' ) || ! in_the_loop() || ! is_main_query() ) {
			return $content;
		}
		return $content . echolot_element( 'helpful' ) . echolot_element( 'similar', array( 'limit' => 4 ) );
	}
);
