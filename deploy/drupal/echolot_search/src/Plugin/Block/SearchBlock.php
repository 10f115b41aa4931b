<?php

declare(strict_types=1);

namespace Drupal\echolot_search\Plugin\Block;

/**
 * The search field.
 *
 * @Block(
 *   id = "echolot_search",
 *   admin_label = @Translation("Echolot search"),
 *   category = @Translation("Search")
 * )
 */
final class SearchBlock extends EcholotBlockBase {

  /**
   * {@inheritdoc}
   */
  public function build(): array {
    return $this->element('echolot_search');
  }

}
