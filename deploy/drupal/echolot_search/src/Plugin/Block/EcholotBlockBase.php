<?php

declare(strict_types=1);

namespace Drupal\echolot_search\Plugin\Block;

use Drupal\Core\Block\BlockBase;
use Drupal\Core\Config\ConfigFactoryInterface;
use Drupal\Core\Language\LanguageManagerInterface;
use Drupal\Core\Plugin\ContainerFactoryPluginInterface;
use Symfony\Component\DependencyInjection\ContainerInterface;

/**
 * What the blocks share: the daemon's address, the page's language, the script.
 */
abstract class EcholotBlockBase extends BlockBase implements ContainerFactoryPluginInterface {

  final public function __construct(
    array $configuration,
    string $plugin_id,
    mixed $plugin_definition,
    protected ConfigFactoryInterface $configs,
    protected LanguageManagerInterface $languages,
  ) {
    parent::__construct($configuration, $plugin_id, $plugin_definition);
  }

  /**
   * {@inheritdoc}
   */
  public static function create(ContainerInterface $container, array $configuration, $plugin_id, $plugin_definition): static {
    return new static($configuration, $plugin_id, $plugin_definition, $container->get('config.factory'), $container->get('language_manager'));
  }

  /**
   * Returns a themed element with the widget's script attached.
   */
  protected function element(string $theme, array $variables = []): array {
    $url = rtrim((string) $this->configs->get('echolot_search.settings')->get('url'), '/');
    $script = [
      '#tag' => 'script',
      '#attributes' => ['src' => $url . '/widget.js', 'defer' => TRUE],
    ];
    $element = [
      '#theme' => $theme,
      '#url' => $url,
      '#lang' => $this->languages->getCurrentLanguage()->getId(),
      '#attached' => ['html_head' => [[$script, 'echolot_widget']]],
      '#cache' => [
        'tags' => ['config:echolot_search.settings'],
        'contexts' => ['languages:language_interface'],
      ],
    ];
    foreach ($variables as $name => $value) {
      $element['#' . $name] = $value;
    }
    return $element;
  }

}
